/** Everything that can go wrong with a simulated gateway while it runs. */
import { lineName } from './cfg-text.ts'
import type { ConfigLine, ConfigVerb } from './cfg-text.ts'

export interface GatewayFaults {
  /**
   * `frozen`: accepts connections and never answers; what arrived is executed after the thaw. `dead`: refuses connections.
   * `slow`: answers after `slowMs`.
   */
  readonly http: 'none' | 'frozen' | 'dead' | 'slow'
  readonly slowMs: number
  /** `silent`: sends and answers nothing by SIP, to nobody. */
  readonly sip: 'none' | 'silent'
  /** `cut`: SIP between this gateway and the carrier is lost both ways; everybody else still reaches its SIP address. */
  readonly uplink: 'none' | 'cut'
  /** What every authenticated request gets instead of its answer; the request is not executed. */
  readonly reply: 'none' | 'html' | 'redirect' | 'error'
  /**
   * cfg.txt: `truncated`: ends in the middle of the first interface's line; `broken-off`: the same, but announces its full
   * length and drops the connection; `absent`: shows no interface line; `duplicated`: shows each twice, the second with the
   * flag turned round; `masked`: shows a password option as asterisks.
   */
  readonly cfg: 'none' | 'truncated' | 'broken-off' | 'absent' | 'duplicated' | 'masked'
  /** Where cfg.txt shows the flag `/disabled` in a line. */
  readonly flagPosition: 'as-written' | 'first' | 'middle' | 'last'
  /** Commands that are answered 200 and have no effect. */
  readonly ignored: readonly ConfigVerb[]
  /**
   * `config add` and `config rem` of a line with two words, which nobody has shown on a device: `unknown`: answered `?`;
   * `replaces`: `add` takes everything else out of the line.
   */
  readonly addRem: 'works' | 'unknown' | 'replaces'
  /** box_info.xml says that a restart is needed. */
  readonly resetRequired: boolean
  /** The PBX of this gateway in a pair: it shows its partner's registration. `none`: it has no PBX, or nobody is registered. */
  readonly pair: 'none' | 'active' | 'standby'
  /** The connection is reset at `activate`: before or after it took effect. */
  readonly activate: 'none' | 'reset-before' | 'reset-after'
  /** Once, right after the next cfg.txt was sent, another administrator adds `/comment edited` to every interface line. */
  readonly editAfterRead: boolean
}

export const NO_GATEWAY_FAULTS: GatewayFaults = {
  http: 'none', slowMs: 1_000, sip: 'none', uplink: 'none', reply: 'none', cfg: 'none', flagPosition: 'as-written',
  ignored: [], addRem: 'works', resetRequired: false, pair: 'none', activate: 'none', editAfterRead: false
}

/** Whether a line is a SIP interface. */
export const isInterfaceLine = (line: ConfigLine): boolean => line.module === 'RELAY0' && /^SIP\d+$/.test(line.object)

const FLAG = { name: 'disabled', value: null }

const withFlagAt = (line: ConfigLine, position: GatewayFaults['flagPosition']): ConfigLine => {
  const rest = line.options.filter((option) => option.name !== FLAG.name)
  if (position === 'as-written' || rest.length === line.options.length) return line
  const at = position === 'first' ? 0 : position === 'last' ? rest.length : Math.ceil(rest.length / 2)
  return { ...line, options: rest.toSpliced(at, 0, FLAG) }
}

const turnedRound = (line: ConfigLine): ConfigLine => {
  const rest = line.options.filter((option) => option.name !== FLAG.name)
  return { ...line, options: rest.length === line.options.length ? [FLAG, ...rest] : rest }
}

/** The lines as cfg.txt shows them under these faults. */
export const shownLines = (lines: readonly ConfigLine[], faults: GatewayFaults): readonly ConfigLine[] =>
  lines.flatMap((line) => {
    if (!isInterfaceLine(line)) return [line]
    const shown = withFlagAt(line, faults.flagPosition)
    if (faults.cfg === 'absent') return []
    if (faults.cfg === 'duplicated') return [shown, turnedRound(shown)]
    if (faults.cfg === 'masked') return [{ ...shown, options: [...shown.options, { name: 'pwd', value: '********' }] }]
    return [shown]
  })

/** The file cut in the middle of the first interface's line. */
export const truncatedFile = (text: string, lines: readonly ConfigLine[]): string => {
  const first = lines.find(isInterfaceLine)
  const start = first === undefined ? -1 : text.indexOf(`config change ${lineName(first)}`)
  if (start < 0) return text.slice(0, text.length / 2)
  return text.slice(0, Math.floor((start + text.indexOf('\r\n', start)) / 2))
}
