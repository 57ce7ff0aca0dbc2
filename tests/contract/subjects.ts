import { apiSubjects } from "../support/api_subjects.ts";
import type { ContractSubject } from "../support/contract_subject.ts";
import { googleSubjects } from "../support/google_subjects.ts";
import { odooSubjects } from "../support/odoo_subjects.ts";
import { slackSubjects } from "../support/slack_subjects.ts";

/** Every stream of every provider that syncs: a provider is tried by being listed here. */
export const subjects: ContractSubject[] = [
  ...odooSubjects,
  ...apiSubjects,
  ...googleSubjects,
  ...slackSubjects,
];
