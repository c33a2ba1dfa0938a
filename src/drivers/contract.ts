/** What a kind of gateway has to offer to be in the registry. See README.md here for how to add one. */
import type { TObject } from 'typebox'
import type { AdminState } from '../core/observation.ts'
import type { DriverCapabilities } from '../core/topology.ts'
import type { BeaconStation, Clock, GatewayDriver, Random } from '../ports.ts'

/** Commands for a POSIX shell, and what they show. No secrets. */
export interface HandStep {
  readonly commands: readonly string[]
  /** One or two sentences: what the commands show, or what to mind. */
  readonly note: string
}

/** How the other commands reach the gateway: a shell function that is defined once. */
export interface Login {
  /** Takes the secret from where the configuration has it; asks for it where that is unknown. */
  readonly defines: string
  /** The same function, but it asks; null: `defines` does. */
  readonly asks: string | null
}

/** What a person does in place of the driver, also while Pointsman is down. */
export interface ByHand {
  readonly login: Login
  /** Shows the state of the interface, and nothing that is secret. */
  observe(interfaceName: string): HandStep
  apply(interfaceName: string, desired: AdminState): HandStep
}

/** One kind of interface that a kind of gateway has. The texts are for README's tables. */
export interface InterfaceKind {
  /** How the configuration names it, for example `SIP1`, `SIP2` …. */
  readonly named: string
  /** Whether a name is one of this kind's. At most one kind of a gateway takes it. */
  takes(name: string): boolean
  /** What is switched: `a record of the uac module`. */
  readonly switches: string
  /** How the switch is read back. */
  readonly readBack: string
  /** What it was confirmed with, honestly: a real server with its version, or the documents it was built from. */
  readonly confirmed: string
  /**
   * Pure.
   *
   * @param settings - the kind's own keys as in the file: only as valid as the person who wrote them
   */
  capabilities(settings: Readonly<Record<string, unknown>>): DriverCapabilities
}

/** Something wrong in a kind's own keys that its schema can't see. */
export interface KeyProblem {
  /** Below `gateways.<id>`. */
  readonly path: readonly (string | number)[]
  /** The rest of a sentence that starts with the key, or a whole one. */
  readonly message: string
  /** What to do; null: the message says it. */
  readonly hint: string | null
}

/**
 * One kind of gateway. `settings` are its own keys of the configuration (`gateways.<id>`), validated by `schema`, in
 * the file's spelling (snake_case). A pair of keys `x_file` / `x_env` in the schema arrives resolved as `x: Secret`.
 * A lone `x_file` names a file that is not secret, for example a certificate: it arrives as `x: string`, the file's text.
 * Formats that `schema` may use: `duration`, `positive-duration` (they arrive as text), `http-url`, `header-value`.
 */
export interface DriverKind<Settings = Record<string, unknown>> {
  readonly name: string
  /** TypeBox schema of the kind's own keys; `additionalProperties: false`. */
  readonly schema: TObject
  readonly interfaces: readonly [InterfaceKind, ...InterfaceKind[]]
  /** It only says where calls go, none runs through it: several interfaces of a trunk may be on one such gateway. */
  readonly isSignpost?: boolean
  /** No device: it is a part of the running Pointsman, and there is nothing to be read from outside. */
  readonly isOwnPart?: boolean
  /**
   * Pure; only called with keys that fit the schema.
   *
   * @param names - interfaces of this gateway that trunks use
   */
  check?(settings: Readonly<Record<string, unknown>>, names: readonly string[]): readonly KeyProblem[]
  /**
   * Pure: needs no secret and no gateway.
   *
   * @param settings - the kind's own keys, with `x_file` (as absolute path) and `x_env` in place of what they name
   * @param login - name of the shell function that `login` defines and the commands call
   */
  byHand(settings: Readonly<Record<string, unknown>>, login: string): ByHand
  create(settings: Settings, ports: DriverPorts): GatewayDriver
}

export interface DriverPorts {
  readonly clock: Clock
  readonly random: Random
  /** The beacon of this gateway, for the one kind that is no device but a part of Pointsman. */
  readonly station?: () => BeaconStation
}
