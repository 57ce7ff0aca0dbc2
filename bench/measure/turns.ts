/**
 * All subjects in turn, as often as asked: a slow minute of the machine meets all of them. Every repetition begins with
 * another subject, so that none always goes first.
 */
export function* inTurn<S>(
  subjects: S[],
  repetitions: number,
): Generator<{ subject: S; repetition: number }> {
  for (let repetition = 0; repetition < repetitions; repetition++) {
    for (let turn = 0; turn < subjects.length; turn++) {
      yield { subject: subjects[(turn + repetition) % subjects.length]!, repetition };
    }
  }
}
