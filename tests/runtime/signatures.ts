import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { runHosted } from "./hosted_runtime.ts";

/** The published vectors of Standard Webhooks 1.0.0, both kinds. */
const KEYS = [
  "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  "whsk_6Xb/dCcHpPea21PS1N9VY/NZW723CEc77N4rJCubMbfVKIDij2HKpMKkioLlX0dRqSKJp4AJ6p9lMicMFs6Kvg==",
];
const PUBLISHED = [
  "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  "v1a,hnO3f9T8Ytu9HwrXslvumlUpqtNVqkhqw/enGzPCXe5BdqzCInXqYXFymVJaA7AZdpXwVLPo3mNl8EM+m7TBAg==",
];

/**
 * Signs the published message under the hosted runtime's Deno, whose node:crypto is an older one, and makes a key pair
 * there that signs.
 *
 * @throws {Error} saying what came out, when it is not what was published.
 */
export async function checkSignatures(functionsDir: string): Promise<void> {
  const module = pathToFileURL(join(functionsDir, "_shared/delivery/signature.ts")).href;
  const code = `
    import { generateSigningSecret, signingKey, webhookSignature } from ${JSON.stringify(module)};
    const sign = (secrets) => webhookSignature(secrets.map(signingKey), "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330,
      new TextEncoder().encode('{"test": 2432232314}'));
    sign([generateSigningSecret("v1"), generateSigningSecret("v1a")]);
    console.log(sign(${JSON.stringify(KEYS)}));`;
  const signed = await runHosted(functionsDir, code);
  if (signed !== PUBLISHED.join(" ")) throw new Error(`signed "${signed}"`);
}
