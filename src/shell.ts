/** Single quotes for a POSIX shell, for commands that a person types. */
export function shellQuoted (text: string): string {
  return `'${text.replaceAll('\'', '\'\\\'\'')}'`
}
