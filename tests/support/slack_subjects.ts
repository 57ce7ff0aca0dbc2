import { type SlackConversation, SlackConversations } from "../../simulators/slack/conversations.ts";
import type { OAuthServer } from "../../simulators/oauth_server.ts";
import { slackOAuthServer } from "../../simulators/slack/oauth.ts";
import { ALL_SCOPES, rateLimited, type SlackSimulator, startSlack } from "../../simulators/slack/slack.ts";
import type { ContractSubject, RunningSubject } from "./contract_subject.ts";
import { stack } from "./stack.ts";

/** Small, so that few records make many pages: Slack may give fewer than were asked for. */
const PAGE_SIZE = 10;

interface Workspace {
  slack: SlackSimulator;
  conversations: SlackConversations;
  oauth: OAuthServer;
}

function startWorkspace(): Workspace {
  const conversations = new SlackConversations();
  const oauth = slackOAuthServer({
    clientId: "slack-client.test",
    clientSecret: "slack-client-secret-of-tests",
    redirectUris: [],
    rotates: true,
  });
  const slack = startSlack({
    port: stack.slackPort,
    tokens: [],
    oauth,
    channels: {},
    conversations,
    pageSize: PAGE_SIZE,
  });
  return { slack, conversations, oauth };
}

/** What both streams have in common. */
function running({ slack, oauth }: Workspace) {
  const team = { id: "T0TEAM", name: "Acme" };
  const { accessToken, refreshToken, expiresInS } = oauth.grant(team, ALL_SCOPES);
  return {
    config: { channels: "joined" },
    secrets: {
      bot_token: accessToken,
      refresh_token: refreshToken,
      expires_at: new Date(Date.now() + expiresInS * 1000).toISOString(),
      scope: ALL_SCOPES.join(","),
      team_id: team.id,
    },
    badSecrets: { bot_token: `xoxb-nobodys-${crypto.randomUUID()}` },
    pageSize: PAGE_SIZE,
    faults: slack.faults,
    rateLimited: (retryAfterSeconds: number) => ({
      kind: "answer" as const,
      response: () => rateLimited(retryAfterSeconds),
    }),
    expireToken: () => oauth.expireAll(),
    revoke: () => oauth.revokeAccount(team.id),
    stop: () => slack.stop(),
  };
}

/** What is said in two channels, one of which has most of it. */
const slackMessages: ContractSubject = {
  name: "slack slack_messages",
  type: "slack",
  stream: "slack_messages",
  table: "slack_messages",
  entityType: "slack_message",
  functionName: "slack-sync",
  deletions: "full",
  start(): Promise<RunningSubject> {
    const workspace = startWorkspace();
    const { conversations } = workspace;
    const channels = [conversations.add({ name: "ops" }), conversations.add({ name: "sales" })];
    conversations.say(conversations.add({ isMember: false }).id, { text: "not for the app" });
    let said = 0;
    const chosen = (random: () => number): { channel: SlackConversation; ts: string } | undefined => {
      const all = channels.flatMap((channel) => [...channel.messages.keys()].map((ts) => ({ channel, ts })));
      return all[Math.floor(random() * all.length)];
    };
    return Promise.resolve({
      ...running(workspace),
      create(count) {
        for (let n = 0; n < count; n++) {
          const channel = channels[said % 4 === 3 ? 1 : 0]!;
          conversations.say(channel.id, { text: `message ${said++}` });
        }
      },
      edit(random) {
        const one = chosen(random);
        if (one) conversations.edit(one.channel.id, one.ts, `edited ${said++}`);
      },
      remove(random) {
        const one = chosen(random);
        if (one) conversations.erase(one.channel.id, one.ts);
      },
      state: () =>
        new Map(
          channels.flatMap(({ id, messages }) =>
            [...messages.values()].map((message) => [`${id}:${message.ts}`, {
              conversation_id: id,
              ts: message.ts,
              text: message.text,
              user_id: message.user,
              reply_count: null,
            }])
          ),
        ),
      futureCursor: () => ({
        step: "list",
        page: null,
        read: Object.fromEntries(channels.map(({ id }) => [id, "9999999999.000000"])),
        queue: [],
        newest: null,
        is_pass: false,
        restarts: 0,
      }),
    });
  },
};

/** Channels themselves: every run reads all of them. */
const slackConversations: ContractSubject = {
  name: "slack slack_conversations",
  type: "slack",
  stream: "slack_conversations",
  table: "slack_conversations",
  entityType: "slack_conversation",
  functionName: "slack-sync",
  deletions: "always",
  start(): Promise<RunningSubject> {
    const workspace = startWorkspace();
    const { conversations } = workspace;
    let made = 0;
    const chosen = (random: () => number): string | undefined => {
      const ids = [...conversations.byId.keys()];
      return ids[Math.floor(random() * ids.length)];
    };
    return Promise.resolve({
      ...running(workspace),
      create(count) {
        for (let n = 0; n < count; n++) {
          conversations.add({ isMember: made++ % 2 === 0, topic: `topic ${made}` });
        }
      },
      edit(random) {
        const id = chosen(random);
        if (id) conversations.change(id, { topic: `topic ${made++}`, isArchived: made % 3 === 0 });
      },
      remove(random) {
        const id = chosen(random);
        if (id) conversations.remove(id);
      },
      state: () =>
        new Map([...conversations.byId.values()].map((one) => [one.id, {
          name: one.name,
          topic: one.topic,
          is_member: one.isMember,
          is_archived: one.isArchived,
          is_private: false,
          member_count: one.memberCount,
          created_at: new Date(one.created * 1000).toISOString(),
        }])),
    });
  },
};

export const slackSubjects: ContractSubject[] = [slackConversations, slackMessages];
