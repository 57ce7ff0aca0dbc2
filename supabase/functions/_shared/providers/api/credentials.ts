import { base64Encode, utf8Bytes } from "../../crypto/encoding.ts";
import type { PlainJson } from "../../json/plain.ts";
import { ProviderError } from "../provider_error.ts";
import type { ApiSecrets, RestConfig } from "./config.ts";

/** What goes with every request so that the API knows who asks. */
export interface Credentials {
  headers: Record<string, string>;
  /** Parameter of the address; null = none. */
  query: { name: string; value: string } | null;
  /** Texts that must not be kept, wherever the API repeats them. */
  secretTexts: string[];
}

/** Shorter texts stand in answers by chance. */
const MIN_MASKED_CHARS = 8;

/**
 * Credentials of every kind of auth but client credentials, whose token is fetched.
 *
 * @throws {ProviderError} reconnect_needed, naming the credential that is missing.
 */
export function storedCredentials(auth: RestConfig["auth"], secrets: ApiSecrets): Credentials {
  switch (auth.kind) {
    case "none":
    case "oauth2_client_credentials":
      return credentials(secrets, {}, []);
    case "api_key": {
      const value = (auth.prefix ?? "") + needed(secrets, "api_key");
      if (auth.in === "header") return credentials(secrets, { [auth.name]: value }, [secrets.api_key!]);
      return { ...credentials(secrets, {}, [secrets.api_key!]), query: { name: auth.name, value } };
    }
    case "bearer":
      return bearerCredentials(secrets, needed(secrets, "token"));
    case "basic": {
      const pair = base64Encode(utf8Bytes(`${needed(secrets, "username")}:${needed(secrets, "password")}`));
      return credentials(secrets, { authorization: `Basic ${pair}` }, [pair, secrets.password!]);
    }
  }
}

/** Credentials with a token. */
export function bearerCredentials(secrets: ApiSecrets, token: string): Credentials {
  return credentials(secrets, { authorization: `Bearer ${token}` }, [token]);
}

/**
 * A credential that the auth needs.
 *
 * @throws {ProviderError} reconnect_needed.
 */
export function needed(secrets: ApiSecrets, name: Exclude<keyof ApiSecrets, "secret_headers">): string {
  const value = secrets[name];
  if (value !== undefined) return value;
  throw new ProviderError("reconnect_needed", `The connector has no ${name}; store its credentials.`);
}

/** The text with asterisks wherever a secret stands in it, plain or as an address writes it. */
export function withoutSecrets(text: string, secretTexts: readonly string[]): string {
  let masked = text;
  for (const secret of secretTexts) {
    if (secret.length < MIN_MASKED_CHARS) continue;
    for (const form of new Set([secret, encodeURIComponent(secret)])) {
      if (masked.includes(form)) masked = masked.replaceAll(form, "***");
    }
  }
  return masked;
}

/** The same for every text and name of a JSON value; numbers stay as they are. */
export function jsonWithoutSecrets(value: PlainJson, secretTexts: readonly string[]): PlainJson {
  if (typeof value === "string") return withoutSecrets(value, secretTexts);
  if (Array.isArray(value)) return value.map((item) => jsonWithoutSecrets(item, secretTexts));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      withoutSecrets(name, secretTexts),
      jsonWithoutSecrets(inner, secretTexts),
    ]),
  );
}

function credentials(
  secrets: ApiSecrets,
  headers: Record<string, string>,
  secretTexts: string[],
): Credentials {
  const secretHeaders = secrets.secret_headers ?? {};
  return {
    headers: { ...secretHeaders, ...headers },
    query: null,
    secretTexts: [...secretTexts, ...Object.values(secretHeaders)],
  };
}
