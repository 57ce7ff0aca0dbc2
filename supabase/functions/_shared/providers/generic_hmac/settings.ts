import * as z from "zod";
import { headerNameSetting, textSetting } from "../setting_types.ts";

/** What is signed: the body once, and the timestamp once beside it. */
const signedText = () =>
  z.string().max(100).regex(/^[\x20-\x7e]*$/, "is printable ASCII").refine(
    (text) => text.split("{body}").length === 2 && text.split("{timestamp}").length === 2,
    "names {body} and {timestamp} once each",
  );

const timestamp = () =>
  z.strictObject({
    header: headerNameSetting().default("x-timestamp"),
    unit: z.enum(["s", "ms"]).default("s"),
    signed: signedText().default("{timestamp}.{body}"),
    window_seconds: z.number().int().min(1).max(86_400).default(300),
  });

/** How a sender signs; the defaults are `x-signature: sha256=<hex>` over the body. */
export const genericHmacSettings = () =>
  z.strictObject({
    header: headerNameSetting().default("x-signature"),
    algorithm: z.enum(["sha256", "sha512"]).default("sha256"),
    encoding: z.enum(["auto", "hex", "base64"]).default("auto"),
    prefix: z.union([z.literal(""), textSetting(50)]).nullable().default(null),
    secret_encoding: z.enum(["text", "hex", "base64"]).default("text"),
    timestamp: timestamp().nullable().default(null),
    event_id_header: headerNameSetting().default("x-event-id"),
    event_type_header: headerNameSetting().default("x-event-type"),
  });

export type GenericHmacSettings = z.output<ReturnType<typeof genericHmacSettings>>;
