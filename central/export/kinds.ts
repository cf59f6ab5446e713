// THE list of receivers. A new kind is one more entry here and in config.ts.

import type { ExportKind } from './config.ts'
import { filesKind } from './files/files.ts'
import { ipfixKind } from './ipfix/ipfix.ts'
import { kafkaKind } from './kafka/kafka.ts'
import { natsKind } from './nats/nats.ts'
import { otlpKind } from './otlp/otlp.ts'
import { postgresqlKind } from './postgresql/postgresql.ts'
import type { ReceiverKind } from './receiver.ts'

export const receiverKinds: Readonly<Record<ExportKind, ReceiverKind>> = {
  postgresql: postgresqlKind,
  ipfix: ipfixKind,
  otlp: otlpKind,
  files: filesKind,
  nats: natsKind,
  kafka: kafkaKind,
}
