import { join } from "node:path";
import { pathToFileURL } from "node:url";

/** What a snippet is asked to verify. */
export interface Case {
  keys: string[];
  headers: Record<string, string>;
  bodyBase64: string;
}

/** Runs a snippet on every case; answers which it accepts. */
export type Runner = (code: string, cases: Case[]) => Promise<boolean[]>;

const PYTHON_DRIVER = `
import base64, json, sys
from snippet import verify_webhook

def accepts(case):
    try:
        verify_webhook(case["keys"], case["headers"], base64.b64decode(case["bodyBase64"]))
        return True
    except ValueError:
        return False

print(json.dumps([accepts(case) for case in json.load(sys.stdin)]))
`;

const GO_DRIVER = `
package main

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"os"

	webhook "snippet/webhook"
)

func main() {
	var cases []struct {
		Keys       []string
		Headers    map[string]string
		BodyBase64 string
	}
	if err := json.NewDecoder(os.Stdin).Decode(&cases); err != nil {
		panic(err)
	}
	accepted := []bool{}
	for _, one := range cases {
		header := http.Header{}
		for name, value := range one.Headers {
			header.Set(name, value)
		}
		body, err := base64.StdEncoding.DecodeString(one.BodyBase64)
		if err != nil {
			panic(err)
		}
		accepted = append(accepted, webhook.Verify(one.Keys, header, body) == nil)
	}
	json.NewEncoder(os.Stdout).Encode(accepted)
}
`;

const TYPESCRIPT_DRIVER = `
import { Buffer } from "node:buffer";
import { verifyWebhook } from "./snippet.ts";

const cases = JSON.parse(await new Response(Deno.stdin.readable).text());
console.log(JSON.stringify(cases.map(({ keys, headers, bodyBase64 }) => {
  try {
    verifyWebhook(keys, new Headers(headers), Buffer.from(bodyBase64, "base64"));
    return true;
  } catch (error) {
    if (error.constructor !== Error) throw error;
    return false;
  }
})));
`;

/** The snippet that uses the standard's own library, in this process. It takes one key. */
export const libraryInDeno: Runner = (code, cases) =>
  inFolder({ "snippet.ts": code }, async (folder) => {
    const { verifyWebhook } = await import(pathToFileURL(join(folder, "snippet.ts")).href);
    return await Promise.all(cases.map(async ({ keys, headers, bodyBase64 }) => {
      const body = Uint8Array.from(atob(bodyBase64), (char) => char.charCodeAt(0));
      const request = new Request("http://receiver.example", { method: "POST", headers, body });
      return await Promise.resolve(verifyWebhook(keys[0], request)).then(() => true, () => false);
    }));
  });

/** A snippet without dependencies, by a Deno, for example "deno@2.9.6". */
export const typescript = (deno: string): Runner => (code, cases) =>
  inFolder(
    { "snippet.ts": code, "driver.ts": TYPESCRIPT_DRIVER },
    (folder) => askProgram(folder, ["npx", "-y", deno, "run", "--quiet", "--no-config", "driver.ts"], cases),
  );

/** Python 3 with the package cryptography. */
export const python: Runner = (code, cases) =>
  inFolder(
    { "snippet.py": code, "driver.py": PYTHON_DRIVER },
    (folder) => askProgram(folder, ["python3", "driver.py"], cases),
  );

/** Go, without a module from anywhere. */
export const go: Runner = (code, cases) =>
  inFolder({
    "go.mod": "module snippet\n\ngo 1.19\n",
    "main.go": GO_DRIVER,
    "webhook/webhook.go": code,
  }, (folder) =>
    askProgram(folder, ["go", "run", "."], cases, { GOCACHE: join(folder, "cache"), GOPROXY: "off" }));

async function inFolder<T>(files: Record<string, string>, run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await Deno.makeTempDir({ prefix: "interlock-snippet-" });
  try {
    for (const [path, text] of Object.entries(files)) {
      await Deno.mkdir(join(folder, path, ".."), { recursive: true });
      await Deno.writeTextFile(join(folder, path), text);
    }
    return await run(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

async function askProgram(
  folder: string,
  [program, ...args]: string[],
  cases: Case[],
  env: Record<string, string> = {},
): Promise<boolean[]> {
  const child = new Deno.Command(program!, {
    args,
    env,
    cwd: folder,
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = child.output();
  const input = child.stdin.getWriter();
  // A program that died before it read everything says why on stderr; the broken pipe says nothing.
  await input.write(new TextEncoder().encode(JSON.stringify(cases))).catch(() => {});
  await input.close().catch(() => {});
  const { success, stdout, stderr } = await output;
  if (!success) throw new Error(`${program} failed: ${new TextDecoder().decode(stderr)}`);
  return JSON.parse(new TextDecoder().decode(stdout));
}
