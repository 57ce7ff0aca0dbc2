const BEGINNING = /^running \d+ tests? from /;
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, "g");

/**
 * Hands on what one `deno test` prints a test file at a time: beside another one's, its lines would belong to nobody.
 * A file that takes long comes in parts, each under the name of the file, and so does the test that is still running.
 */
export class FileBlocks {
  #heading = "";
  #held = "";
  #line = "";
  #part: ReturnType<typeof setTimeout> | undefined;

  constructor(private readonly show: (text: string) => void, private readonly longestPartMs = 60_000) {}

  add(text: string): void {
    const lines = (this.#line + text).split("\n");
    this.#line = lines.pop()!;
    for (const line of lines) {
      if (BEGINNING.test(line.replaceAll(COLOURS, ""))) {
        this.#flush();
        this.#heading = `${line}\n`;
      } else {
        this.#held += `${line}\n`;
      }
    }
    this.#part ??= setTimeout(() => this.#showPart(), this.longestPartMs);
  }

  end(): void {
    clearTimeout(this.#part);
    this.#held += this.#line;
    this.#line = "";
    this.#flush();
  }

  #showPart(): void {
    this.#part = undefined;
    if (this.#line !== "") this.#held += `${this.#line}(still running)\n`;
    this.#flush();
  }

  #flush(): void {
    if (this.#held !== "") this.show(this.#heading + this.#held);
    this.#held = "";
  }
}
