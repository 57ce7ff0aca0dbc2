/** How this API knows who asks, with what it takes for good. Tests change it while it runs. */
export type RestAccess =
  | { kind: "none" }
  | { kind: "api_key"; in: "header" | "query"; name: string; key: string }
  | { kind: "bearer"; token: string }
  | { kind: "basic"; username: string; password: string }
  | ClientAccess;

export interface ClientAccess {
  kind: "client_credentials";
  clientId: string;
  clientSecret: string;
  /** The only way in which the client is taken. */
  by: "body" | "basic";
  scope: string | null;
  audience: string | null;
  lifeSeconds: number;
}

/** Tokens that were given out, until when they are good. */
export class TokenDesk {
  readonly #untilMs = new Map<string, number>();
  /** Tokens given out so far. */
  issued = 0;

  give(lifeSeconds: number): string {
    const token = `tok_${crypto.randomUUID()}`;
    this.issued++;
    this.#untilMs.set(token, Date.now() + lifeSeconds * 1000);
    return token;
  }

  takes(token: string): boolean {
    return (this.#untilMs.get(token) ?? 0) > Date.now();
  }

  /** None is good any more; new ones will be. */
  expireAll(): void {
    this.#untilMs.clear();
  }
}

/** Why a request is refused; null = it may ask. */
export function accessProblem(access: RestAccess, request: Request, desk: TokenDesk): string | null {
  const given = request.headers.get("authorization");
  switch (access.kind) {
    case "none":
      return given === null ? null : "This API wants no credentials.";
    case "api_key": {
      const shown = access.in === "header"
        ? request.headers.get(access.name)
        : new URL(request.url).searchParams.getAll(access.name).join();
      return shown === access.key ? null : "The API key is missing or wrong.";
    }
    case "bearer":
      return given === `Bearer ${access.token}` ? null : "The token is missing or wrong.";
    case "basic":
      return given === `Basic ${base64(`${access.username}:${access.password}`)}`
        ? null
        : "User or password is wrong.";
    case "client_credentials":
      return desk.takes(/^Bearer (\S+)$/.exec(given ?? "")?.[1] ?? "")
        ? null
        : "The token has expired or is wrong.";
  }
}

/** RFC 6749 sections 4.4 and 5.2, strictly: no parameter may be missing, double or elsewhere. */
export async function answerTokenRequest(
  access: RestAccess,
  request: Request,
  desk: TokenDesk,
): Promise<Response> {
  if (access.kind !== "client_credentials" || request.method !== "POST") {
    return new Response("", { status: 404 });
  }
  if (request.headers.get("content-type") !== "application/x-www-form-urlencoded") {
    return refusal("invalid_request");
  }
  const form = new URLSearchParams(await request.text());
  if ([...form.keys()].some((name) => form.getAll(name).length > 1)) return refusal("invalid_request");
  if (form.get("grant_type") !== "client_credentials") return refusal("unsupported_grant_type");
  const header = request.headers.get("authorization");
  const inForm = form.has("client_id") || form.has("client_secret");
  const isGood = access.by === "body"
    ? header === null && form.get("client_id") === access.clientId &&
      form.get("client_secret") === access.clientSecret
    : !inForm &&
      header === `Basic ${base64(`${formText(access.clientId)}:${formText(access.clientSecret)}`)}`;
  if (!isGood) return refusal("invalid_client", 401);
  if (form.get("scope") !== access.scope) return refusal("invalid_scope");
  if (form.get("audience") !== access.audience) return refusal("invalid_target");
  const access_token = desk.give(access.lifeSeconds);
  return Response.json({ access_token, token_type: "Bearer", expires_in: access.lifeSeconds }, {
    headers: { "cache-control": "no-store" },
  });
}

function refusal(error: string, status = 400): Response {
  return Response.json({ error, error_description: "The request for a token is refused." }, { status });
}

function base64(text: string): string {
  return btoa(String.fromCharCode(...new TextEncoder().encode(text)));
}

function formText(text: string): string {
  return encodeURIComponent(text).replaceAll("%20", "+").replaceAll(
    /[!'()~]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
