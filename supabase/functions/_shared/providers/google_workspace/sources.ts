import { syncedConnector } from "../synced_connector.ts";
import { calendarEvents } from "./calendar.ts";
import { googleWorkspace as connector } from "./connector.ts";
import { driveFiles } from "./drive.ts";
import { gmailMessages } from "./gmail.ts";
import type { GoogleConfig, GoogleGrant } from "./settings.ts";
import { testGoogle } from "./trial.ts";

const SOURCES = { drive: driveFiles, gmail: gmailMessages, calendar: calendarEvents };

/** The services that the settings name, in their order. */
export const googleWorkspace = syncedConnector<GoogleConfig, GoogleGrant>(connector, {
  test: testGoogle,
  sources: ({ services }) => services.map((service) => SOURCES[service]),
});
