// THE list of causes in the loss ledger: stage → cause → what happened. Agent and central count under these words,
// and the reference page shows them.

/**
 * How a stage accounts for what did not go on: `filtered` was asked for or is there already, `lost` is gone. `left` went
 * on, and something is to be known of it.
 */
export interface LedgerCause {
  readonly as: 'filtered' | 'lost' | 'left'
  readonly help: string
}

const lost = (help: string): LedgerCause => ({ as: 'lost', help })
const left = (help: string): LedgerCause => ({ as: 'left', help })
const filtered = (help: string): LedgerCause => ({ as: 'filtered', help })

const unaccounted = lost(
  'The counters of the stage do not add up: gone, and no code has counted it.',
)

/** Stages in the order of the river, each with its causes. `agent` is the heartbeat: it counts intervals. */
export const ledgerCauses = {
  agent: {
    not_open: lost('The probe could not be opened: the agent watched the interval without it.'),
  },
  hook: {
    ring_full: lost('The ring between kernel and agent was full.'),
    map_full: lost(
      'A table of the probe was full. Of drops: counted by reason, in a row without addresses.',
    ),
    interface_unseen: lost(
      'An interface counted packets that no program of Weir was given: another program or the driver took them first.',
    ),
    xdp_dropped: filtered('A rule of Weir dropped packets of an interface at XDP.'),
    dropped_behind: left(
      'Packets of an interface that Weir counted and the interface did not: dropped behind the program. They are in rows.',
    ),
    interrupted: lost('The kernel left a program out, as it does when one would interrupt itself.'),
    closed_while_away: lost('A connection ended while no agent was running.'),
    unaccounted,
  },
  drain: {
    drain_full: lost('The buffer between the reading thread and the agent was full.'),
    unaccounted,
  },
  enrich: {
    own: filtered("A connection between Weir's own processes."),
    withdrawn: filtered(
      'A row was waiting and is not needed: its end belongs to another connection, or the connection is still open.',
    ),
    agent_filter: filtered('The row does not pass the filter of the agent.'),
    connections_full: lost('The table of connections was full.'),
    packets_full: lost('An interval had more packets than the agent keeps for one.'),
    unaccounted,
  },
  spool: {
    spool_full: lost('Central was away for longer than the spool holds.'),
    spool_age: lost('The frame waited for central longer than the spool keeps one.'),
    spool_torn: lost('The file of the frame was damaged.'),
    refused: lost('Central refused the frame for good.'),
    unaccounted,
  },
  wire: {},
  intake: {
    duplicate: filtered('The same datagram came twice.'),
    not_a_flow: filtered(
      'The record is no flow: options of the exporter, counters of an interface, an event without both ends.',
    ),
    no_peer: filtered('The span is no call over the network, or does not say with whom.'),
    sequence_gap: lost(
      "It was sent and did not come, by the exporter's sequence numbers: records (NetFlow v5, IPFIX) or datagrams.",
    ),
    bad_datagram: lost('The datagram is damaged: what could be read before the damage was taken.'),
    template_missing: lost(
      'A set of records whose template did not come: one is counted for each set, which had one record or more.',
    ),
    sampler_drops: lost('Samples that the device had to leave out, by its own count.'),
    too_large: lost('A number of the record is larger than any counter.'),
    bad_span: lost(
      'The span has no ids, is more than 6 days old or in the future, or ends before it starts.',
    ),
    intake_full: lost('Records came faster than the disk took them.'),
  },
  ingest: {
    duplicate: filtered('The frame was sent again after its acknowledgement was lost.'),
    reported_by_another: filtered('Another agent reported this node at that time.'),
    bad_frame: lost('The frame is damaged, or its rows are not what its header says.'),
    frame_of_another: lost('The frame is of another agent than its connection.'),
    schema_unknown: lost('The frame has a schema that this central does not know.'),
    time_out_of_range: lost('The rows are from outside the last 7 days and the next hour.'),
  },
  resolve: {
    late_peer: filtered(
      'The far end came to be known after the row was written: the row counts, but does not name it.',
    ),
  },
  segment: {},
  store: {
    quarantine: lost(
      'The engine refuses these rows; they are kept aside, and all others of their segment are stored.',
    ),
  },
  export: {
    export_filter: filtered('The rows do not pass the filter of the export.'),
    journal_full: lost('The receiver was away for longer than the journal holds.'),
    journal_unwritten: lost('The disk did not take the rows for the exports.'),
    export_refused: lost('The receiver refused the rows for good.'),
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, LedgerCause>>>>

/** A stage of the ledger. */
export type LedgerStage = keyof typeof ledgerCauses

/** A cause of one stage. */
export type CauseOf<S extends LedgerStage> = keyof (typeof ledgerCauses)[S] & string

/** Whether a word is a cause of the stage. */
export function isCauseOf<S extends LedgerStage>(stage: S, word: string): word is CauseOf<S> {
  return Object.hasOwn(ledgerCauses[stage], word)
}
