/** A failure of the stack that its user can mend: the message is the sentence they read, with the way out. */
export class StackError extends Error {
  override name = "StackError";
}
