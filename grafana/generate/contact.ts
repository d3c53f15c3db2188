/** Where Grafana sends its alerts: the chat of `NOTIFY_WEBHOOK`, which the program itself tells, too. */

const contactPoint = 'cryptoracle-chat';

/** Grafana fills in what the environment says; `docker-compose.yml` hands it over. */
const webhook = '$NOTIFY_WEBHOOK';

/** The contact point as Grafana's provisioning reads it: one message an alert, which names what helps. */
export function contactPointToGrafana(): object {
  return {
    apiVersion: 1,
    contactPoints: [
      {
        orgId: 1,
        name: contactPoint,
        receivers: [
          {
            uid: contactPoint,
            // Slack's JSON, which Mattermost, Rocket.Chat and others take as well.
            type: 'slack',
            disableResolveMessage: false,
            settings: {
              url: webhook,
              title:
                'Cryptoracle: {{ .CommonLabels.alertname }}{{ if eq .Status "resolved" }} is over{{ end }}',
              text: '{{ range .Alerts }}• {{ .Annotations.summary }}\n{{ .Annotations.description }}\n{{ end }}',
            },
          },
        ],
      },
    ],
  };
}

/**
 * How the rules reach it: by themselves, whatever notification policies there are. One message for each rule, and no more
 * than one an hour; what lasts is told again twice a day.
 */
export const notificationSettings = {
  receiver: contactPoint,
  group_by: ['grafana_folder', 'alertname'],
  group_wait: '30s',
  group_interval: '1h',
  repeat_interval: '12h',
} as const;
