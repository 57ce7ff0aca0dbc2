import { AccessTokens } from "../../simulators/google/access_tokens.ts";
import type { CalendarApi } from "../../simulators/google/calendar_api.ts";
import type { DriveApi } from "../../simulators/google/drive_api.ts";
import type { DriveItem } from "../../simulators/google/drive_store.ts";
import type { GmailApi } from "../../simulators/google/gmail_api.ts";
import { type GoogleSimulator, startGoogle } from "../../simulators/google/google.ts";
import { ProviderError } from "../../supabase/functions/_shared/providers/provider_error.ts";
import {
  GOOGLE_SCOPES,
  type GoogleConfig,
  googleConfig,
  type GoogleGrant,
} from "../../supabase/functions/_shared/providers/google_workspace/settings.ts";
import type { Source } from "../../supabase/functions/_shared/providers/source.ts";
import { connectionBy, SourceHub } from "./source_hub.ts";

/** A Google that runs, with access tokens of its own. */
export interface GoogleAccount {
  google: GoogleSimulator;
  tokens: AccessTokens;
  /** A hub that reads it with these settings. */
  hub(source: Source<GoogleConfig, GoogleGrant>, config?: object): SourceHub<GoogleConfig, GoogleGrant>;
}

/** A grant with an access token. */
export function grantOf(accessToken: string): GoogleGrant {
  return {
    access_token: accessToken,
    refresh_token: "1//0g-refresh",
    expires_at: new Date(Date.now() + 3_600_000).toISOString(),
    scope: Object.values(GOOGLE_SCOPES).join(" "),
    token_type: "Bearer",
  };
}

/** Runs with a Google on a port; what reads it renews access tokens unless they were revoked. */
export async function withGoogle(
  port: number,
  test: (account: GoogleAccount) => Promise<void>,
): Promise<void> {
  const tokens = new AccessTokens();
  const google = startGoogle({ port, tokens });
  const hub: GoogleAccount["hub"] = (source, config = {}) => {
    let grant = grantOf(tokens.issue());
    const secrets = (refused?: GoogleGrant) => {
      if (refused && tokens.accepts(refused.access_token) === "revoked") {
        throw new ProviderError("reconnect_needed", "The grant is gone.");
      }
      if (refused) grant = grantOf(tokens.issue());
      return grant;
    };
    return new SourceHub(source, connectionBy(googleConfig().parse(config), secrets));
  };
  try {
    await test({ google, tokens, hub });
  } finally {
    await google.stop();
  }
}

/** What the hub must hold of a Drive: id -> its columns. Worked out from the files themselves, not from the API. */
export function driveState(
  { store, user }: DriveApi,
  scope: { folder_id?: string; drive_ids?: string[] } = {},
): Map<string, Record<string, unknown>> {
  const belongs = (item: DriveItem): boolean => {
    if (scope.drive_ids !== undefined) return scope.drive_ids.includes(item.driveId ?? "");
    if (scope.folder_id === undefined) return true;
    return store.visibleParents(item).some((id) =>
      id === scope.folder_id || (store.items.has(id) && belongs(store.items.get(id)!))
    );
  };
  const shown = [...store.items.values()].filter((item) =>
    store.sees(item) && !item.trashed && belongs(item)
  );
  return new Map(shown.map((item) => [item.id, {
    ...{ name: item.name, mime_type: item.mimeType },
    parent_id: store.visibleParents(item)[0] ?? null,
    drive_id: item.driveId ?? null,
    size_bytes: item.sizeBytes,
    file_created_at: item.createdTime,
    file_modified_at: item.modifiedTime,
    owner_email: item.driveId === undefined ? user.emailAddress : null,
  }]));
}

/** What the hub must hold of a mailbox. Worked out from the messages themselves, not from the API. */
export function gmailState(
  { store }: GmailApi,
  wanted: string[] = [],
): Map<string, Record<string, unknown>> {
  const shown = [...store.messages.values()].filter(({ labelIds }) =>
    !labelIds.includes("TRASH") && !labelIds.includes("SPAM") &&
    wanted.every((label) => labelIds.includes(label))
  );
  return new Map(shown.map((message) => {
    const header = (wantedName: string) => message.headers.find(({ name }) => name === wantedName)!.value;
    return [message.id, {
      thread_id: message.threadId,
      subject: header("Subject"),
      sender: header("From"),
      recipients: header("To"),
      label_ids: message.labelIds.toSorted(),
      snippet: message.snippet,
      received_at: new Date(message.internalDateMs).toISOString(),
      history_id: String(message.historyId),
      size_bytes: message.sizeEstimate,
    }];
  }));
}

/** What the hub must hold of some calendars. Worked out from the events themselves, not from the API. */
export function calendarState(api: CalendarApi, names: string[]): Map<string, Record<string, unknown>> {
  return new Map(names.flatMap((name) => {
    const store = api.calendars.get(name === "primary" ? api.emailAddress : name)!;
    const shown = [...store.events.values()].filter(({ isCancelled }) => !isCancelled);
    return shown.map((event): [string, Record<string, unknown>] => {
      const isDay = event.start.length === 10;
      return [`${name}/${event.id}`, {
        ...{ calendar_id: name, event_id: event.id, summary: event.summary, status: "confirmed" },
        location: event.location ?? null,
        ...{ is_all_day: isDay, starts_at: isDay ? null : event.start, ends_at: isDay ? null : event.end },
        ...{ start_date: isDay ? event.start : null, end_date: isDay ? event.end : null },
        recurrence: event.recurrence ?? null,
        event_updated_at: event.updated,
      }];
    });
  }));
}
