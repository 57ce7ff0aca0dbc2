/** The usual small edge function: Hono, one zod schema, one supabase-js client, nothing of ours. */
import { createClient } from "@supabase/supabase-js";
import { Hono } from "hono";
import * as z from "zod";

const environment = z.object({ SUPABASE_URL: z.url(), SUPABASE_SERVICE_ROLE_KEY: z.string() })
  .parse(Deno.env.toObject());
const client = createClient(environment.SUPABASE_URL, environment.SUPABASE_SERVICE_ROLE_KEY, {
  auth: { persistSession: false, autoRefreshToken: false },
});

const app = new Hono();
app.post("/rows", async (context) => context.json(await client.from("rows").select()));
app.all("*", (context) => context.json({ ok: false }, 404));

export default app;
