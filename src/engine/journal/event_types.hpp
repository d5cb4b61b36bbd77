// SPDX-License-Identifier: MIT
// Every type of event and every field that one may have: docs/events.md is made from these two
// lists (tools/events), and the tests hold every event to them. Append; never give a word another
// meaning.
#pragma once

// X(name here, word in the log, level, fields that it may have, what it says)
#define FW_EVENT_TYPES(X)                                                                        \
  X(ban, "Ban", notice,                                                                          \
    "for by reason forced rule proto dport measure pps bytes_per_s limit window offence",        \
    "a source is banned: by the operator, or above ban_at")                                      \
  X(unban, "Unban", notice, "reason renewals dropped would_drop", "a ban has ended")             \
  X(would_ban, "WouldBan", notice,                                                               \
    "for by reason forced rule proto dport measure pps bytes_per_s limit window offence",        \
    "the same in mode observe: its packets pass")                                                \
  X(restricted, "Restrict", notice,                                                              \
    "for by reason forced rule proto dport measure pps bytes_per_s limit window offence",        \
    "a source is restricted to what this host asked for")                                        \
  X(unrestricted, "Unrestrict", notice, "reason renewals dropped would_drop",                    \
    "a restriction has ended")                                                                   \
  X(would_restrict, "WouldRestrict", notice,                                                     \
    "for by reason forced rule proto dport measure pps bytes_per_s limit window offence",        \
    "the same in mode observe: its packets pass")                                                \
  X(limit, "Limit", info, "rule proto dport measure pps bytes_per_s at_once burst limit window", \
    "a source was above a limit: the excess is dropped; once until it was below for a while")    \
  X(would_limit, "WouldLimit", info,                                                             \
    "rule proto dport measure pps bytes_per_s at_once burst limit window",                       \
    "the same in mode observe: the excess passes")                                               \
  X(allow, "Allow", notice, "for list comment", "the operator allowed it")                       \
  X(unallow, "Unallow", notice, "reason", "an allowance has ended")                              \
  X(exempt, "Exempt", info, "why", "this host needs the address: it is exempt by itself")        \
  X(unexempt, "Unexempt", info, "was", "it is not needed any more")                              \
  X(mode, "Mode", notice, "mode was", "the mode was changed")                                    \
  X(reload, "Reload", notice, "what changes deny allow", "configuration or lists are in force")  \
  X(reload_failed, "ReloadFailed", error, "what error",                                          \
    "they are not; what was in force still is")                                                  \
  X(attach, "Attach", notice, "interface attachment problem", "an interface is protected")       \
  X(detach, "Detach", warning, "interface problem", "an interface is not protected any more")    \
  X(list_problem, "ListProblem", warning, "problem", "a line or a file of the lists is not fit") \
  X(dropped, "Dropped", info, "packets bytes REASONS",                                           \
    "what was dropped since the last such line, at most once a minute, and by which reason")     \
  X(would_drop, "WouldDrop", info, "packets bytes REASONS",                                      \
    "what passed only because the mode was observe; the same otherwise")                         \
  X(repaired, "Repaired", warning, "what entries",                                               \
    "something in the kernel was not as it was put there, and was put right")                    \
  X(repair_failed, "RepairFailed", error, "what error", "it cannot be put right")                \
  X(suppressed, "Suppressed", warning, "count type", "so many events of a type are not written") \
  X(attack_start, "AttackStart", warning,                                                        \
    "id vectors pps dropped_pps would_drop_pps excess_pps budget window answered_pps "           \
    "unfinished_pps suffering",                                                                  \
    "an attack is detected")                                                                     \
  X(attack_vector, "AttackVector", warning,                                                      \
    "id vectors pps dropped_pps would_drop_pps excess_pps budget window answered_pps "           \
    "unfinished_pps suffering",                                                                  \
    "something came to an attack that goes on")                                                  \
  X(attack_end, "AttackEnd", notice,                                                             \
    "id duration vectors peak_pps sources dropped would_drop borne suffering",                   \
    "there was nothing of it for ten seconds")                                                   \
  X(signature, "Signature", notice, "id attack match class explains baseline",                   \
    "a signature is in force for what its packets have in common")                               \
  X(signature_end, "SignatureEnd", info, "id match why packets", "it is not any more")           \
  X(suffering, "Suffering", warning, "service why offered_pps bears_pps",                        \
    "a service or the host has no room for what comes, so less is let through")                  \
  X(recovered, "Recovered", notice, "service duration", "it has")                                \
  X(scan, "Scan", notice, "proto dport port_groups limit window",                                \
    "a source tried many closed ports")                                                          \
  X(learned, "Learned", info, "class budget was configured usual seconds",                       \
    "a budget follows what is usual here")                                                       \
  X(start, "Start", notice, "version pid datapath last", "floodwalld began")                     \
  X(stop, "Stop", notice, "why", "floodwalld ended")                                             \
  X(restored, "Restored", notice,                                                                \
    "bans allowances offenders signatures attacks events no_room unreadable",                    \
    "what the last daemon believed was taken over")                                              \
  X(state_lost, "StateLost", warning, "what", "it could not be")                                 \
  X(ban_reason, "BanReason", info, "reason", "the operator gave a ban in force another reason")  \
  X(order, "Order", notice, "uid user pid web verb arguments result",                            \
    "somebody told the daemon to change something, and what became of it")                       \
  X(orders_summed, "OrdersSummed", notice, "uid user verb count refused",                        \
    "orders of a user that are not written one by one, since they were too many")

// X(key, what it says). REASONS stands for the reasons of docs/reasons.md, each a key.
#define FW_EVENT_FIELDS(X)                                                                       \
  X("allow", "entries of the allow lists")                                                       \
  X("allowances", "how many were taken over")                                                    \
  X("answered_pps", "questions a second that were answered, where they are far more than usual") \
  X("arguments", "of the order; of many addresses the first eight")                              \
  X("at_once", "packets (or bytes) at once, where those broke the limit and not the rate")       \
  X("attachment", "native, generic or queue")                                                    \
  X("attack", "the id of the attack")                                                            \
  X("attacks", "how many were taken over")                                                       \
  X("bans", "how many were taken over")                                                          \
  X("baseline", "share of ordinary packets that it matches")                                     \
  X("bears_pps", "packets a second that it is given from now on")                                \
  X("borne", "packets above a budget that passed, since the service bears them")                 \
  X("budget",                                                                                    \
    "the budget that holds: packets a second of unverified sources together, to one "            \
    "address or served port; in AttackStart that of the first vector")                           \
  X("burst", "so much is let through at once")                                                   \
  X("by", "operator, where one ordered it")                                                      \
  X("bytes", "bytes of the packets")                                                             \
  X("bytes_per_s", "what broke the limit: bytes in the window")                                  \
  X("changes", "what is different")                                                              \
  X("class", "the traffic class (docs/reasons.md)")                                              \
  X("comment", "the operator's words")                                                           \
  X("configured", "the budget in floodwall.toml")                                                \
  X("count", "how many")                                                                         \
  X("datapath", "xdp, nfqueue or off")                                                           \
  X("deny", "entries of the deny lists")                                                         \
  X("dport", "the port that it was sent to; dest_port in JSON")                                  \
  X("dropped", "packets that were dropped; of an attack their share")                            \
  X("dropped_pps", "of pps, those that are dropped")                                             \
  X("duration", "how long it lasted")                                                            \
  X("entries", "how many were put right")                                                        \
  X("error", "why not, and what to do")                                                          \
  X("events", "how many were taken over")                                                        \
  X("excess_pps", "packets a second above the budgets, dropped or borne")                        \
  X("explains", "share of the excess that it matches")                                           \
  X("for", "how long, or forever; renewed while it goes on")                                     \
  X("forced", "yes: ordered with --force")                                                       \
  X("id", "the name of the attack (day and number) or signature")                                \
  X("interface", "its name")                                                                     \
  X("last", "how the last daemon ended: stopped, killed or none")                                \
  X("limit", "the limit that holds, as the value before it")                                     \
  X("list", "the file")                                                                          \
  X("match", "what its packets have in common")                                                  \
  X("measure", "what is counted, where it is not packets (docs/reasons.md, metered)")            \
  X("mode", "observe, enforce or off")                                                           \
  X("no_room", "bans and allowances for which there is none")                                    \
  X("offence", "which one within ban.memory: later bans are longer")                             \
  X("offenders", "how many were taken over")                                                     \
  X("offered_pps", "packets a second that come above its budget")                                \
  X("packets", "packets")                                                                        \
  X("peak_pps", "the most in a second, dropped or borne")                                        \
  X("pid", "the process")                                                                        \
  X("port_groups", "groups of closed ports that it tried, of 16")                                \
  X("pps",                                                                                       \
    "packets (of the measure) in the window: what broke the limit; of an attack what comes "     \
    "above the budgets, dropped or borne, or unanswered")                                        \
  X("problem", "a sentence")                                                                     \
  X("proto", "the protocol of the packet that was above the limit")                              \
  X("reason", "why: of an end expired, operator, allowed, exempt, mode or banned; else words")   \
  X("refused", "of them, those that were not carried out")                                       \
  X("renewals", "how often it was made longer, since the flood went on")                         \
  X("result", "done, or the kind of the error (api.md)")                                         \
  X("rule", "the limit: default, prefix, or a service")                                          \
  X("seconds", "of normal load that were learned from")                                          \
  X("service", "class, address and port")                                                        \
  X("signatures", "how many were taken over")                                                    \
  X("sources", "new sources while it lasted; an estimate once their table is full")              \
  X("suffering", "what the host or a service suffered from it")                                  \
  X("type", "of the events")                                                                     \
  X("uid", "the number of the user")                                                             \
  X("unfinished_pps", "SYNs a second whose handshake nobody completes")                          \
  X("unreadable", "rows that are damaged or of another version")                                 \
  X("user", "the name of the user, if /etc/passwd has it")                                       \
  X("usual", "packets a second in normal load")                                                  \
  X("vectors", "classes, addresses and ports that it is sent to; the first four")                \
  X("verb", "of the order")                                                                      \
  X("version", "of floodwalld")                                                                  \
  X("was", "as it was before")                                                                   \
  X("web", "the address of the browser, for an order that the web page gave")                    \
  X("what", "a sentence or a word")                                                              \
  X("why", "a sentence or a word")                                                               \
  X("window", "the time that the value is of")                                                   \
  X("would_drop", "as dropped, in mode observe: they passed")                                    \
  X("would_drop_pps", "as dropped_pps, in mode observe: they passed")
