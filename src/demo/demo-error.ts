/** Something that the demo needs is not as it must be: the message is for people, without a stack. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
}
