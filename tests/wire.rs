//! The engine on the wire: hostile and torture messages, carriers' and phones' habits as SIPp
//! scenarios, a network that loses and reorders, and pjsua2 as a phone. What went over the wire is
//! compared with the standards, and what the journal says of it with what happened.

#![cfg(test)]
#[path = "wire/alone.rs"]
mod alone;
#[path = "wire/attacks.rs"]
mod attacks;
#[path = "e2e/baresip.rs"]
#[allow(dead_code, reason = "the rest is used by e2e.rs")]
mod baresip;
#[path = "browser_seat/mod.rs"]
mod browser_seat;
#[path = "wire/browser_seats.rs"]
mod browser_seats;
#[path = "wire/callbacks.rs"]
mod callbacks;
#[path = "wire/consulted_outside.rs"]
mod consulted_outside;
#[path = "wire/desk_lost.rs"]
mod desk_lost;
#[path = "wire/desks.rs"]
mod desks;
#[path = "wire/dialled.rs"]
mod dialled;
#[path = "wire/ear.rs"]
mod ear;
#[path = "e2e/engine.rs"]
#[allow(dead_code, reason = "the rest is used by e2e.rs")]
mod engine;
#[path = "wire/families.rs"]
mod families;
#[path = "wire/formats.rs"]
mod formats;
#[path = "wire/guests.rs"]
mod guests;
#[path = "wire/hands.rs"]
mod hands;
#[path = "wire/help.rs"]
mod help;
#[path = "wire/interop.rs"]
mod interop;
#[path = "wire/ipv6.rs"]
mod ipv6;
#[path = "wire/journal.rs"]
mod journal;
#[path = "wire/line.rs"]
mod line;
#[path = "wire/loss.rs"]
mod loss;
#[path = "wire/messages.rs"]
mod messages;
#[path = "wire/overflow.rs"]
mod overflow;
#[path = "wire/party.rs"]
mod party;
#[path = "wire/phones.rs"]
mod phones;
#[path = "wire/pick_ups.rs"]
mod pick_ups;
#[path = "wire/regulars.rs"]
mod regulars;
#[path = "wire/reloads.rs"]
mod reloads;
#[path = "wire/scenario.rs"]
mod scenario;
#[path = "wire/seats.rs"]
mod seats;
#[path = "wire/sessions.rs"]
mod sessions;
#[path = "wire/shared_phones.rs"]
mod shared_phones;
#[path = "wire/shifts.rs"]
mod shifts;
#[path = "e2e/sound.rs"]
#[allow(dead_code, reason = "the rest is used by e2e.rs")]
mod sound;
#[path = "wire/tasks.rs"]
mod tasks;
#[path = "wire/threads.rs"]
mod threads;
#[path = "wire/timers.rs"]
mod timers;
#[path = "wire/torture.rs"]
mod torture;
#[path = "wire/town.rs"]
mod town;
#[path = "wire/transfers.rs"]
mod transfers;
#[path = "wire/trunks.rs"]
mod trunks;
#[path = "wire/trunks_tls.rs"]
mod trunks_tls;
#[path = "wire/waits.rs"]
mod waits;
#[path = "wire/watching.rs"]
mod watching;
