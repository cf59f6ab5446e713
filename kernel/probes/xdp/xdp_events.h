/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Packets for those who look on: each reader has a ring of its own, so a slow or dead one takes nothing from others. */
#ifndef WEIR_XDP_EVENTS_H
#define WEIR_XDP_EVENTS_H

#include "xdp_rules.h"

/* Loading takes CAP_PERFMON with it. */
const volatile bool tasks_allowed;

/* What is read of the kernel's own; CO-RE finds where it is. */
struct task_struct {
	int pid;
	char comm[16];
} __attribute__((preserve_access_index));

static __always_inline bool asked_for(const struct reader *reader, const struct packet *packet,
				      const struct verdict *verdict)
{
	if (reader->protocols[0] && packet->protocol != reader->protocols[0] &&
	    packet->protocol != reader->protocols[1])
		return false;
	if (reader->label && reader->label != verdict->label)
		return false;
	if (reader->want & WANT_ALL)
		return true;
	if ((reader->want & WANT_LABELLED) && verdict->label)
		return true;
	return (reader->want & WANT_DROPPED) && (verdict->action == XDP_DROP || (verdict->flags & EVENT_SHADOW));
}

/* Whether the reader gets the packet; it is counted if not. */
static __always_inline bool wants(const struct reader *reader, struct reader_counts *counted,
				  const struct packet *packet, const struct verdict *verdict)
{
	counted->seen++;
	count(COUNTER_READ);
	if (!asked_for(reader, packet, verdict)) {
		counted->unwanted++;
		count(COUNTER_UNWANTED);
		return false;
	}
	if (reader->every > 1 && bpf_get_prandom_u32() % reader->every) {
		counted->sampled++;
		count(COUNTER_SAMPLED);
		return false;
	}
	return true;
}

/* Copies what is there, at most `most` octets; returns how many. */
static __always_inline __u32 copy_sample(struct xdp_event *event, const struct xdp_md *xdp, __u32 most)
{
	const __u8 *from = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	__u64 held = end - from, whole, rest;
	__u32 word;

	if (held > most)
		held = most;
	if (held > SAMPLE_BYTES_MAX)
		held = SAMPLE_BYTES_MAX;
	for (word = 0; word < SAMPLE_BYTES_MAX / 8; word++) {
		if (word * 8 + 8 > held || from + word * 8 + 8 > end)
			break;
		__builtin_memcpy(&event->sample[word * 8], from + word * 8, 8);
	}
	/*
	 * Neither where the loop ended nor pointers that it has looked at: the verifier would go through all that
	 * follows once for each such place.
	 */
	from = (void *)(long)((const volatile struct xdp_md *)xdp)->data;
	end = (void *)(long)((const volatile struct xdp_md *)xdp)->data_end;
	whole = packet_forget(held) & (SAMPLE_BYTES_MAX - 1) & ~7ULL;
	for (rest = 0; rest < 7; rest++) {
		__u64 at = whole + rest;

		if (at >= held || at >= SAMPLE_BYTES_MAX || from + at + 1 > end)
			break;
		event->sample[at] = from[at];
	}
	return packet_forget(held);
}

/* The id of the outermost tag: 802.1Q, 802.1ad, and what was used before that. */
static __always_inline __u16 outer_vlan(const struct xdp_md *xdp)
{
	const __u8 *data = (void *)(long)xdp->data, *end = (void *)(long)xdp->data_end;
	__u16 type;

	if (data + 16 > end)
		return NO_VLAN;
	type = packet_be16(data + 12);
	if (type != ETHER_VLAN && type != ETHER_QINQ && type != ETHER_QINQ_OLD)
		return NO_VLAN;
	return packet_be16(data + 14) & 0xfff;
}

static __always_inline void fill_task(struct xdp_event *event)
{
	struct task_struct *task;

	if (!tasks_allowed)
		return;
	task = (void *)bpf_get_current_task();
	bpf_probe_read_kernel(&event->pid, sizeof(event->pid), &task->pid);
	bpf_probe_read_kernel(event->comm, sizeof(event->comm), &task->comm);
}

static __always_inline void fill_event(struct xdp_event *event, const struct xdp_md *xdp, const struct packet *packet,
				       struct verdict *verdict)
{
	event->time_ns = now_of(verdict);
	event->ifindex = xdp->ingress_ifindex;
	event->queue = xdp->rx_queue_index;
	event->label = verdict->label;
	event->rule = verdict->rank;
	event->frame_bytes = xdp->data_end - xdp->data;
	event->bytes = packet->bytes;
	__builtin_memcpy(event->src, packet->src, 16);
	__builtin_memcpy(event->dst, packet->dst, 16);
	event->src_port = packet->src_port;
	event->dst_port = packet->dst_port;
	event->ether_type = packet->ether_type;
	event->family = packet->family;
	event->protocol = packet->protocol;
	event->action = verdict->action;
	event->flags = verdict->flags | (packet->fragment ? EVENT_FRAGMENT : 0);
	event->fault = packet->fault;
	event->tcp_flags = packet->tcp_flags;
	event->epoch = verdict->epoch;
	event->cpu = bpf_get_smp_processor_id();
	event->ip_offset = packet->ip_offset;
	event->vlan = outer_vlan(xdp);
	event->icmp_type = packet->icmp_type;
	event->icmp_code = packet->icmp_code;
	event->generation = verdict->generation;
	event->padding = 0;
	event->pid = 0;
	__builtin_memset(event->comm, 0, sizeof(event->comm));
}

static __always_inline void send_to(__u32 number, struct xdp_event *event, __u32 copied)
{
	const struct reader *reader = bpf_map_lookup_elem(&readers, &number);
	struct reader_counts *counted = bpf_map_lookup_elem(&reader_counts, &number);
	void *ring = bpf_map_lookup_elem(&rings, &number);
	__u32 sample = copied;

	if (!reader || !ring || !counted)
		return;
	if (sample > reader->snap)
		sample = reader->snap;
	if (sample > SAMPLE_BYTES_MAX)
		sample = SAMPLE_BYTES_MAX;
	event->sample_bytes = sample;
	event->every = reader->every;
	if (bpf_ringbuf_output(ring, event, __builtin_offsetof(struct xdp_event, sample) + sample, 0) < 0) {
		counted->lost++;
		count(COUNTER_LOST_RING);
	} else {
		counted->reported++;
		count(COUNTER_REPORTED);
	}
}

static __always_inline void count_hit(const struct reader_all *all, const struct packet *packet)
{
	struct hit_key key = { .ether_type = packet->ether_type, .protocol = packet->protocol };
	__u64 one = 1, *value;

	if (all->hit_protocols[0] && packet->protocol != all->hit_protocols[0] &&
	    packet->protocol != all->hit_protocols[1])
		return;
	__builtin_memcpy(key.src, packet->src, 16);
	value = bpf_map_lookup_elem(&hits, &key);
	if (value) {
		__sync_fetch_and_add(value, 1);
		return;
	}
	if (bpf_map_update_elem(&hits, &key, &one, BPF_NOEXIST) == 0)
		return;
	/* Another CPU was first, or there is no room. */
	value = bpf_map_lookup_elem(&hits, &key);
	if (value)
		__sync_fetch_and_add(value, 1);
	else
		count(COUNTER_HITS_FULL);
}

static __always_inline void report(const struct xdp_md *xdp, const struct packet *packet, struct verdict *verdict)
{
	__u32 first = 0, number, copied;
	const struct reader_all *all = bpf_map_lookup_elem(&reading, &first);
	struct xdp_event *event;

	if (!all)
		return;
	if (all->hits)
		count_hit(all, packet);
	if (!all->mask)
		return;
	event = bpf_map_lookup_elem(&scratches, &first);
	if (!event)
		return;
	for (number = 0; number < READERS_MAX; number++) {
		__u32 which = number;
		const struct reader *reader;
		struct reader_counts *counted;

		if (!(all->mask & 1 << number))
			continue;
		reader = bpf_map_lookup_elem(&readers, &which);
		counted = bpf_map_lookup_elem(&reader_counts, &which);
		if (reader && counted && wants(reader, counted, packet, verdict))
			verdict->wanting |= 1 << number;
	}
	if (!verdict->wanting)
		return;
	fill_event(event, xdp, packet, verdict);
	if (all->tasks)
		fill_task(event);
	copied = copy_sample(event, xdp, all->snap_max);
	for (number = 0; number < READERS_MAX; number++) {
		if (verdict->wanting & 1 << number)
			send_to(number, event, copied);
	}
}

#endif
