import { fileURLToPath } from "node:url";

/** A fenced piece of code of a page. */
export interface Snippet {
  language: string;
  code: string;
}

/** All fenced code of a page in docs/, in order. */
export function snippetsOf(page: string): Snippet[] {
  const text = Deno.readTextFileSync(fileURLToPath(new URL(`../../docs/${page}`, import.meta.url)));
  return [...text.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code]) => ({
    language: language!,
    code: code!,
  }));
}
