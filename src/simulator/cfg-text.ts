/**
 * The configuration of an innovaphone-like device as text: one command per line, `config change <MODULE> [<object>] /option [value] …`.
 * Values are percent-encoded, so they hold no blank; a token that starts with `/` is an option's name.
 * Form of the lines: cfg.txt of real devices as public tools read it (n-tho/sipScheduler, innovaphone/php-update-server).
 */

/** Module or sub-object with its options, as one `config change` line saves it. */
export interface ConfigLine {
  /** For example `RELAY0`. */
  readonly module: string
  /** For example `SIP1`; empty for a module without sub-object. */
  readonly object: string
  readonly options: readonly ConfigOption[]
}

/** One option; a flag has no value. */
export interface ConfigOption {
  /** Without the slash. */
  readonly name: string
  /** As written, still percent-encoded. */
  readonly value: string | null
}

export const EDIT_VERBS = ['change', 'add', 'rem'] as const
export type EditVerb = typeof EDIT_VERBS[number]
export type ConfigVerb = EditVerb | 'write' | 'activate'

/** One `config …` command. `change` replaces a line, `add` and `rem` touch single options of it. */
export type ConfigCommand =
  | { readonly verb: EditVerb; readonly line: ConfigLine }
  | { readonly verb: 'write' | 'activate' }

/** Name of a line, for example `RELAY0 SIP1`. */
export const lineName = (line: Pick<ConfigLine, 'module' | 'object'>): string =>
  line.object === '' ? line.module : `${line.module} ${line.object}`

const parseOptions = (tokens: readonly string[]): readonly ConfigOption[] | null => {
  const options: ConfigOption[] = []
  for (const token of tokens) {
    const last = options.at(-1)
    if (token.startsWith('/')) options.push({ name: token.slice(1), value: null })
    else if (last !== undefined && last.value === null) options[options.length - 1] = { name: last.name, value: token }
    else return null
  }
  return options
}

/** Reads `RELAY0 SIP1 /disabled /name x`; null when it isn't a line. */
export const parseLine = (text: string): ConfigLine | null => {
  const [module, ...rest] = text.split(' ').filter((token) => token !== '')
  if (module === undefined || !/^[A-Z][A-Z0-9]*$/.test(module)) return null
  const object = rest[0] !== undefined && !rest[0].startsWith('/') ? rest[0] : ''
  const options = parseOptions(object === '' ? rest : rest.slice(1))
  return options === null ? null : { module, object, options }
}

/** Reads a command such as `config change RELAY0 SIP1 /name x`; null when it isn't one. */
export const parseCommand = (text: string): ConfigCommand | null => {
  const match = /^config (\S+)(?: (.*))?$/.exec(text.trim())
  const verb = match?.[1]
  if (verb === 'write' || verb === 'activate') return match?.[2] === undefined ? { verb } : null
  const edit = EDIT_VERBS.find((known) => known === verb)
  const line = edit === undefined ? null : parseLine(match?.[2] ?? '')
  return edit === undefined || line === null ? null : { verb: edit, line }
}

/** The option's value; null for a flag, undefined when the option is absent. */
export const optionValue = (line: ConfigLine, name: string): string | null | undefined =>
  line.options.find((option) => option.name === name)?.value

/** Whether a flag such as `disabled` is set. */
export const hasFlag = (line: ConfigLine, name: string): boolean => optionValue(line, name) !== undefined

const without = (options: readonly ConfigOption[], removed: readonly ConfigOption[]): readonly ConfigOption[] =>
  options.filter((option) => !removed.some((other) => other.name === option.name))

/** The lines after an editing command. A `change` or `add` of an unknown line creates it; a `rem` there does nothing. */
export const edited = (lines: readonly ConfigLine[], verb: EditVerb, change: ConfigLine): readonly ConfigLine[] => {
  const old = lines.find((line) => lineName(line) === lineName(change))
  if (old === undefined) return verb === 'rem' ? lines : [...lines, change]
  const rest = without(old.options, change.options)
  const options = verb === 'change' ? change.options : verb === 'add' ? [...rest, ...change.options] : rest
  return lines.map((line) => line === old ? { ...old, options } : line)
}

const renderOption = (option: ConfigOption): string => option.value === null ? `/${option.name}` : `/${option.name} ${option.value}`

/** `config change RELAY0 SIP1 /disabled /name x`, without a line end. */
export const renderLine = (line: ConfigLine): string =>
  ['config change', lineName(line), ...line.options.map(renderOption)].join(' ')

/** The whole file: comments, variables, lines; CRLF line ends, also after the last. */
export const renderFile = (comments: readonly string[], variables: readonly string[], lines: readonly string[]): string =>
  [...comments.map((comment) => `# ${comment}`), ...variables, ...lines].map((line) => `${line}\r\n`).join('')
