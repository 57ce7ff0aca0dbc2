import * as z from "zod";
import type { Connection } from "../connection.ts";
import { textSetting } from "../setting_types.ts";

/** Whatever page of Odoo's web client is pasted, the server is the origin. */
const serverUrl = () =>
  z.string().max(500).transform((text, context) => {
    const url = URL.parse(text);
    const isServer = url !== null && /^https?:$/.test(url.protocol) && url.username === "" &&
      url.password === "" &&
      /^\/(?:(?:web|odoo)(?:\/.*)?)?$/.test(url.pathname);
    if (isServer) return url.origin;
    context.addIssue({
      code: "custom",
      message: "is the address of the Odoo server, such as https://acme.odoo.com, without credentials",
    });
    return z.NEVER;
  });

/** Settings of an Odoo connector. */
export const odooConfig = () =>
  z.strictObject({
    url: serverUrl(),
    /** XML-RPC cannot do without it; JSON-2 needs it where a host serves several databases. */
    database: textSetting(100).optional(),
    /** auto = JSON-2 where the server is 19 or newer, XML-RPC otherwise. */
    protocol: z.enum(["auto", "xml_rpc", "json_2"]).default("auto"),
    /** Records in an answer. */
    batch_size: z.int().min(50).max(1000).default(500),
  });

/** Credentials of an Odoo connector. */
export const odooSecrets = () =>
  z.strictObject({
    /** XML-RPC asks for it, JSON-2 knows it from the key. */
    login: z.string().min(1).max(200).regex(/^\P{Cc}+$/u, "has no control characters").optional(),
    api_key: textSetting(500),
  });

export type OdooConfig = z.infer<ReturnType<typeof odooConfig>>;
export type OdooSecrets = z.infer<ReturnType<typeof odooSecrets>>;
export type OdooConnection = Connection<OdooConfig, OdooSecrets>;
