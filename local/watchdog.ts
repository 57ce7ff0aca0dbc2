/**
 * Ends the stack's processes when the stack itself is gone, however it went: a shell holds the other end of a pipe, and
 * the pipe closes with us. A pid is only ended while it is still the process it was when it was reported.
 */
const SCRIPT = `
trap '' INT TERM HUP QUIT
started() { if [ -r "/proc/$1/stat" ]; then sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; else ps -o lstart= -p "$1" 2>/dev/null; fi; }
list=""
while read -r action signal pid; do
  case "$action" in
    watch) list="$list $signal:$pid:$(started "$pid" | tr -d ' ')" ;;
    forget) kept=""; for entry in $list; do case "$entry" in *:"$pid":*) ;; *) kept="$kept $entry" ;; esac; done; list="$kept" ;;
  esac
done
alive() { pid=\${1#*:}; start=\${pid#*:}; pid=\${pid%%:*}; [ -n "$start" ] && [ "$(started "$pid" | tr -d ' ')" = "$start" ]; }
for entry in $list; do if alive "$entry"; then kill -"\${entry%%:*}" "$pid" 2>/dev/null; fi; done
for round in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
  left=""
  for entry in $list; do if alive "$entry"; then left="$left $entry"; fi; done
  [ -z "$left" ] && exit 0
  sleep 0.2
done
for entry in $list; do if alive "$entry"; then kill -KILL "$pid" 2>/dev/null; fi; done
`;

/** The watchdog of one stack. */
export class Watchdog {
  readonly #process: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  #queue: Promise<unknown> = Promise.resolve();

  constructor() {
    this.#process = new Deno.Command("sh", {
      args: ["-c", SCRIPT],
      stdin: "piped",
      stdout: "null",
      stderr: "null",
      cwd: "/",
      // In a session of its own, so that what kills our process group spares it.
      detached: true,
    }).spawn();
    this.#writer = this.#process.stdin.getWriter();
  }

  get pid(): number {
    return this.#process.pid;
  }

  /** Has `pid` ended with `signal` when we are gone. */
  watch(pid: number, signal: "INT" | "TERM"): void {
    this.#write(`watch ${signal} ${pid}\n`);
  }

  /** Stops caring for a process that ended. */
  forget(pid: number): void {
    this.#write(`forget - ${pid}\n`);
  }

  /** Lets the watchdog go; whatever it still watches is ended. */
  async close(): Promise<void> {
    await this.#queue;
    await this.#writer.close().catch(() => {});
    await this.#process.status;
  }

  #write(line: string): void {
    this.#queue = this.#queue.then(() => this.#writer.write(new TextEncoder().encode(line))).catch(() => {});
  }
}
