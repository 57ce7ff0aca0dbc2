/** A mail that was accepted. */
export interface SentMail {
  id: string;
  from: string;
  to: string[];
  subject: string;
  text?: string;
  html?: string;
  idempotencyKey: string | null;
  /** The request's body, byte for byte. */
  body: string;
}

/** An account: its keys, and from where it may send. */
export interface ResendAccount {
  /** 0 or left out = any free port. */
  port?: number;
  apiKeys: string[];
  /** Those of them that may send and nothing else. */
  sendingKeys?: string[];
  /** Domains that were verified. */
  domains: string[];
}

/** A running e-mail API. */
export interface ResendSimulator {
  url: string;
  mails: SentMail[];
  readonly requests: number;
  account: ResendAccount;
  /** The next requests are answered like this, one each. */
  answerNext(...answers: Response[]): void;
  /** The next request is accepted, but its answer never arrives. */
  loseNextAnswer(): void;
  stop(): Promise<void>;
}

const MAX_RECIPIENTS = 50;
const ADDRESS = /^[^\s@<>",]+@([^\s@<>",]+\.[^\s@<>",]+)$/;

/** Plays Resend's `POST /emails` and `GET /domains`: checks key, sender and fields, and keeps idempotency keys. */
export function startResend(account: ResendAccount): ResendSimulator {
  const mails: SentMail[] = [];
  const scripted: Response[] = [];
  const state = { requests: 0, loses: false };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: account.port ?? 0, onListen: () => {} },
    async (request) => {
      state.requests++;
      const body = await request.text();
      const next = scripted.shift();
      if (next) return next;
      const answer = accept(account, mails, request, body);
      if (!state.loses) return answer;
      state.loses = false;
      return error(500, "internal_server_error", "The answer got lost.");
    },
  );
  return {
    url: `http://127.0.0.1:${server.addr.port}`,
    mails,
    get requests() {
      return state.requests;
    },
    account,
    answerNext: (...answers) => void scripted.push(...answers),
    loseNextAnswer: () => void (state.loses = true),
    stop: () => server.shutdown(),
  };
}

function accept(account: ResendAccount, mails: SentMail[], request: Request, body: string): Response {
  const asked = `${request.method} ${new URL(request.url).pathname}`;
  if (asked !== "POST /emails" && asked !== "GET /domains") {
    return error(404, "not_found", "There is nothing here.");
  }
  const key = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (key === undefined) return error(401, "missing_api_key", "There is no API key.");
  if (!account.apiKeys.includes(key)) return error(403, "invalid_api_key", "The API key is not valid.");
  if (asked === "GET /domains") return listDomains(account, key);
  const idempotencyKey = request.headers.get("idempotency-key");
  if (idempotencyKey !== null && (idempotencyKey.length < 1 || idempotencyKey.length > 256)) {
    return error(400, "invalid_idempotency_key", "The key has 1 to 256 characters.");
  }
  const mail = parsed(body);
  const problem = mail === null ? "The body is not JSON." : problemOf(mail);
  if (mail === null || problem !== null) return error(422, "validation_error", problem ?? "");
  const domain = ADDRESS.exec(addressOf(mail.from))![1]!;
  if (!account.domains.includes(domain)) return error(403, "validation_error", "The domain is not verified.");
  const earlier = mails.find((sent) => idempotencyKey !== null && sent.idempotencyKey === idempotencyKey);
  if (earlier && earlier.body !== body) {
    return error(409, "invalid_idempotent_request", "This key was used with another body.");
  }
  if (earlier) return Response.json({ id: earlier.id });
  const sent = { ...mail, id: crypto.randomUUID(), idempotencyKey, body };
  mails.push(sent);
  return Response.json({ id: sent.id });
}

function listDomains(account: ResendAccount, key: string): Response {
  if (account.sendingKeys?.includes(key)) {
    return error(401, "restricted_api_key", "This API key is restricted to only send emails");
  }
  const data = account.domains.map((name) => ({ id: crypto.randomUUID(), name, status: "verified" }));
  return Response.json({ object: "list", has_more: false, data });
}

type Mail = Omit<SentMail, "id" | "idempotencyKey" | "body">;

function problemOf(mail: Mail): string | null {
  if (typeof mail.from !== "string" || !ADDRESS.test(addressOf(mail.from))) return "from is not an address.";
  const to = Array.isArray(mail.to) ? mail.to : [mail.to];
  if (to.length < 1 || to.length > MAX_RECIPIENTS) return `to has 1 to ${MAX_RECIPIENTS} addresses.`;
  if (!to.every((address) => typeof address === "string" && ADDRESS.test(addressOf(address)))) {
    return "to has something that is not an address.";
  }
  if (typeof mail.subject !== "string" || mail.subject === "" || /[\r\n]/.test(mail.subject)) {
    return "subject is missing or has a line break.";
  }
  return mail.text || mail.html ? null : "text or html is needed.";
}

/** `Name <a@b.c>` or `a@b.c`. */
function addressOf(text: string): string {
  return /<([^<>]+)>$/.exec(text)?.[1] ?? text;
}

function error(statusCode: number, name: string, message: string): Response {
  return Response.json({ statusCode, name, message }, { status: statusCode });
}

function parsed(body: string): Mail | null {
  try {
    const value = JSON.parse(body);
    return typeof value === "object" && value !== null ? value : null;
  } catch {
    return null;
  }
}
