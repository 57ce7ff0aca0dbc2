import { Faults } from "../faults.ts";
import { AccessTokens, type TokenJudge } from "./access_tokens.ts";
import { failed, lacksScope, notFound, Refusal, unauthenticated } from "./answers.ts";
import { CalendarApi } from "./calendar_api.ts";
import { DriveApi } from "./drive_api.ts";
import { GmailApi } from "./gmail_api.ts";

/** A running Google Workspace account. */
export interface GoogleSimulator {
  /** Stands for every one of Google's hosts: /drive/v3, /gmail/v1 and /calendar/v3 are below it. */
  url: string;
  drive: DriveApi;
  gmail: GmailApi;
  calendar: CalendarApi;
  faults: Faults;
  /** Path and query of every request that came, the oldest first. */
  requests: string[];
  stop(): Promise<void>;
}

/** What a Google Workspace is started with; left out = as usual. */
export interface GoogleOptions {
  /** 0 or left out = any free one. */
  port?: number;
  /** Decides over access tokens; left out = a list of none. */
  tokens?: TokenJudge;
  faults?: Faults;
  /** Answers what is no service of Workspace, such as OAuth; null = not its either. */
  others?: (request: Request) => Response | null | Promise<Response | null>;
}

const SERVICES = {
  drive: /\/auth\/drive(\.readonly|\.metadata|\.metadata\.readonly)?$/,
  gmail: /(\/auth\/gmail\.(readonly|metadata|modify)|mail\.google\.com\/)$/,
  calendar: /\/auth\/calendar(\.readonly|\.events|\.events\.readonly)?$/,
};

/** Plays Google's Drive, Gmail and Calendar for one account, with what they refuse. */
export function startGoogle(options: GoogleOptions = {}): GoogleSimulator {
  const faults = options.faults ?? new Faults();
  const judge = options.tokens ?? new AccessTokens();
  const emailAddress = "ann@example.com";
  const drive = new DriveApi({ emailAddress, displayName: "Ann Example" });
  const gmail = new GmailApi(emailAddress);
  const calendar = new CalendarApi(emailAddress);
  const requests: string[] = [];

  const answer = async (request: Request): Promise<Response> => {
    const url = new URL(request.url);
    const [, service, path] = /^\/(drive|gmail|calendar)\/v[13](\/.*)$/.exec(url.pathname) ?? [];
    if (service === undefined) throw notFound("Not Found");
    checkToken(request, judge, SERVICES[service as keyof typeof SERVICES]);
    if (request.method !== "GET") {
      throw new Refusal({ code: 405, message: "Method Not Allowed", reason: "httpMethod" });
    }
    if (service === "drive") return drive.answer(path!, url.searchParams);
    return service === "gmail"
      ? await gmail.answer(path!, url.searchParams)
      : calendar.answer(path!, url.searchParams);
  };
  const server = Deno.serve(
    { hostname: "127.0.0.1", port: options.port ?? 0, onListen: () => {} },
    async (request) => {
      const other = await options.others?.(request);
      if (other) return other;
      const { pathname, search } = new URL(request.url);
      requests.push(`${pathname}${search}`);
      return await faults.meet(request, async (met) => {
        try {
          return await answer(met);
        } catch (error) {
          if (error instanceof Refusal) return failed(error.failure);
          throw error;
        }
      });
    },
  );
  const url = `http://127.0.0.1:${server.addr.port}`;
  return { url, drive, gmail, calendar, faults, requests, stop: () => server.shutdown() };
}

function checkToken(request: Request, judge: TokenJudge, wanted: RegExp): void {
  const token = /^Bearer (\S+)$/.exec(request.headers.get("authorization") ?? "")?.[1];
  if (token === undefined || judge.accepts(token) !== "valid") throw unauthenticated();
  const scopes = judge.scopesOf?.(token);
  if (scopes && !scopes.some((scope) => wanted.test(scope))) throw lacksScope();
}
