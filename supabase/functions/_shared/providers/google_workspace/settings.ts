import * as z from "zod";

/** What can be read from a Google account. */
export const GOOGLE_SERVICES = ["drive", "gmail", "calendar"] as const;

export type GoogleService = typeof GOOGLE_SERVICES[number];

/** The least that lets a service be read. Google puts those of Drive and Gmail behind a review of the app. */
export const GOOGLE_SCOPES: Readonly<Record<GoogleService, string>> = {
  drive: "https://www.googleapis.com/auth/drive.metadata.readonly",
  gmail: "https://www.googleapis.com/auth/gmail.readonly",
  calendar: "https://www.googleapis.com/auth/calendar.events.readonly",
};

/** Scopes that let a service be read as well; a grant may have a wider one from before. */
const WIDER: Readonly<Record<GoogleService, RegExp>> = {
  drive: /\/auth\/drive(\.readonly|\.metadata)?$/,
  gmail: /(\/auth\/gmail\.(modify|readonly)|mail\.google\.com\/)$/,
  calendar: /\/auth\/calendar(\.readonly|\.events)?$/,
};

const identifier = (what: string) =>
  z.string().regex(
    /^[^\s'"\\/?#]{1,190}$/,
    `must be the identifier of ${what}, as in its address in the browser`,
  );

const unique = <Item>(items: Item[]) => new Set(items).size === items.length;

/** Settings of a connector of this kind. */
export function googleConfig() {
  return z.strictObject({
    /** What is read. */
    services: z.array(z.enum(GOOGLE_SERVICES)).min(1).max(3).refine(unique, "must name each service once")
      .default(["drive"]),
    /** Only what lies in this folder and those within it; left out = everything the account sees. */
    folder_id: identifier("a folder").optional(),
    /** Only these shared drives. */
    drive_ids: z.array(identifier("a shared drive")).min(1).max(20).refine(
      unique,
      "must name each drive once",
    ).optional(),
    /** Only messages that have all of these labels: INBOX, or an identifier such as Label_12. */
    gmail_label_ids: z.array(z.string().regex(/^[A-Za-z0-9_-]{1,100}$/, "must be the identifier of a label"))
      .min(1).max(10)
      .refine(unique, "must name each label once")
      .refine(
        (labels) => !labels.some((label) => ["SPAM", "TRASH"].includes(label)),
        "must not name SPAM or TRASH",
      )
      .optional(),
    /** Calendars by identifier; "primary" is the account's own. */
    calendar_ids: z.array(
      z.string().regex(/^[^\s'"\\/?]{1,190}$/, "must be the identifier of a calendar, such as an address"),
    ).min(1).max(20).refine(
      unique,
      "must name each calendar once",
    )
      .default(["primary"]),
  }).refine(
    (config) => config.folder_id === undefined || config.drive_ids === undefined,
    {
      message: "must not be given together with folder_id: a folder is enough to know its drive",
      path: ["drive_ids"],
    },
  );
}

/** A grant as Google's token endpoint answers it, with the instant at which the access token ends. */
export function googleGrant() {
  const secret = z.string().min(1).max(4096);
  return z.strictObject({
    access_token: secret,
    /** Missing when Google gave none: it does so with the first consent only. */
    refresh_token: secret.optional(),
    /** ISO 8601. */
    expires_at: z.string().max(40),
    /** Granted scopes, separated by spaces: may be fewer than were asked for. */
    scope: z.string().max(4096),
    token_type: z.string().max(40),
  });
}

export type GoogleConfig = z.infer<ReturnType<typeof googleConfig>>;
export type GoogleGrant = z.infer<ReturnType<typeof googleGrant>>;

/** Services that a granted list of scopes does not let be read. */
export function missingServices(config: Pick<GoogleConfig, "services">, scope: string): GoogleService[] {
  const granted = scope.split(/\s+/);
  return config.services.filter((service) =>
    !granted.some((name) => name === GOOGLE_SCOPES[service] || WIDER[service].test(name))
  );
}
