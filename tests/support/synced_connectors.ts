import { api, custom } from "../../supabase/functions/_shared/providers/api/sources.ts";
import { googleWorkspace } from "../../supabase/functions/_shared/providers/google_workspace/sources.ts";
import { odoo } from "../../supabase/functions/_shared/providers/odoo/sources.ts";
import { slack } from "../../supabase/functions/_shared/providers/slack/sources.ts";

/** Every kind of connector that syncs: a function has those of one provider only. */
export const syncedConnectors = [api, custom, googleWorkspace, odoo, slack];
