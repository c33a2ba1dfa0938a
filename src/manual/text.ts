/** The guide as text: comments and commands of a POSIX shell, so that every line can be pasted. */
import type { GuideLogin, GuideStep, TrunkGuide } from './guide.ts'

const WIDTH = 110

export function renderHead (file: string): string {
  return comment([
    `By hand: the trunks of ${file}, without Pointsman.`,
    'Paste the commands into sh or bash, one after the other, on a machine that reaches the gateways. No line holds a secret.',
    'Does Pointsman run? Stop it from acting first: pointsman pause --reason=\'by hand\''
  ])
}

export function renderLogins (logins: readonly GuideLogin[]): string {
  const each = logins.map(({ gateway, driver, command, asks }) =>
    `${comment([`${gateway} (${driver})`])}${line(command)}${asks === null ? '' : comment(['or, where its secret can\'t be read:', asks], Infinity)}`)
  return `${heading('Once in each shell: how to reach the gateways')}${each.join('')}`
}

export function renderTrunk ({ trunk, look, moves, after }: TrunkGuide): string {
  return [
    heading(`Trunk ${trunk}`),
    ...look.map(step),
    ...moves.map(({ title, steps }) => `${heading(`Trunk ${trunk}: ${title}`)}${steps.map((each, index) => step({ ...each, title: `${index + 1}. ${each.title}` })).join('')}`),
    step(after)
  ].join('')
}

function heading (title: string): string {
  return `\n${comment([`==== ${title} ====`])}`
}

function step ({ title, text, commands }: GuideStep): string {
  return `\n${comment([`-- ${title}`])}${comment(text)}${commands.map(line).join('')}`
}

function comment (sentences: readonly string[], width = WIDTH): string {
  return sentences.flatMap((sentence) => wrap(sentence, width)).map((text) => line(`# ${text}`)).join('')
}

function wrap (text: string, width: number): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(' ')) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + 1 + word.length <= width) lines[lines.length - 1] = `${last} ${word}`
    else lines.push(word)
  }
  return lines
}

/** Names in the configuration must not start a line of their own, nor speak to a terminal. */
function line (text: string): string {
  return `${text.replaceAll(/\p{Cc}/gu, ' ')}\n`
}
