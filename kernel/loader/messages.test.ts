// The one line that a person needs, out of what libbpf really said.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decisiveLine } from './messages.ts'

const cases = [
  {
    name: 'the verifier: the complaint before the statistics',
    said: `libbpf: prog 'socket_holders': BPF program load failed: Permission denied
libbpf: prog 'socket_holders': -- BEGIN PROG LOAD LOG --
0: R1=ctx() R10=fp0
; int socket_holders(struct bpf_iter__task_file *ctx) @ socket.bpf.c:346
160: (79) r1 = *(u64 *)(r6 +24)       ; R1=ptr_or_null_file(id=3) R6=ctx()
161: (85) call bpf_sock_from_file#162
R1 type=ptr_or_null_ expected=ptr_, trusted_ptr_, rcu_ptr_
processed 9 insns (limit 1000000) max_states_per_insn 0 total_states 1 peak_states 1 mark_read 0
-- END PROG LOAD LOG --
libbpf: prog 'socket_holders': failed to load: -13
libbpf: failed to load object 'x'`,
    line: 'R1 type=ptr_or_null_ expected=ptr_, trusted_ptr_, rcu_ptr_',
  },
  {
    name: 'a tracepoint that the kernel does not have',
    said: `libbpf: prog 'a': failed to find kernel BTF type ID of 'sock_send_length': -3
libbpf: prog 'a': failed to prepare load attributes: -3
libbpf: prog 'a': failed to load: -3`,
    line: "prog 'a': failed to find kernel BTF type ID of 'sock_send_length': -3",
  },
  {
    name: 'a kind of program that the kernel refuses: not the guess at the limit of locked memory',
    said: `libbpf: prog 'elements': BPF program load failed: Operation not permitted
libbpf: permission error while running as root; try raising 'ulimit -l'? current value: 8.0 MiB
libbpf: prog 'elements': -- BEGIN PROG LOAD LOG --
processed 0 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 mark_read 0
-- END PROG LOAD LOG --
libbpf: prog 'elements': failed to load: -1`,
    line: "prog 'elements': BPF program load failed: Operation not permitted",
  },
  {
    name: 'a map',
    said: "libbpf: Error in bpf_create_map_xattr(ended):Invalid argument(-22)\nlibbpf: map 'ended': failed to create: Invalid argument(-22)",
    line: 'Error in bpf_create_map_xattr(ended):Invalid argument(-22)',
  },
  { name: 'nothing', said: '', line: '' },
]

for (const { name, said, line } of cases) {
  test(name, () => assert.equal(decisiveLine(said), line))
}
