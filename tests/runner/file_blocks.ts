const BEGINNING = /^running \d+ tests? from /;
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");
/** So long a test says nothing, then what is held back is shown: one that hangs is named. */
const SILENCE_MS = 180_000;

/**
 * Hands on what one `deno test` prints a test file at a time: beside another one's, its lines would belong to nobody.
 * The end, which tells the failures, is handed on in one piece too.
 */
export class FileBlocks {
  #held = "";
  #line = "";
  #silence: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly show: (text: string) => void) {}

  add(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) {
      if (BEGINNING.test(line.replaceAll(COLOURS, ""))) this.#flush();
      this.#held += `${line}\n`;
    }
    clearTimeout(this.#silence);
    this.#silence = setTimeout(() => this.#tell(), SILENCE_MS);
  }

  end(): void {
    clearTimeout(this.#silence);
    this.#held += this.#line;
    this.#line = "";
    this.#flush();
  }

  /** Still held: the whole of the file is shown in its place later. */
  #tell(): void {
    this.show(`Nothing for ${SILENCE_MS / 1000} s after:\n${this.#held}${this.#line}\n`);
  }

  #flush(): void {
    if (this.#held !== "") this.show(this.#held);
    this.#held = "";
  }
}
