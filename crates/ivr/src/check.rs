//! Checks over the whole of a script: every way ends, and every step can be reached.

use core::ops::Range;

use hotline_model::diagnostic::Diagnostic;

use crate::program::{Act, Step, StepIndex};

/// A step and the place of its name in the text.
pub(crate) type Placed = (Range<usize>, Step);

/// Loops and unreachable steps.
pub(crate) fn ways(steps: &[Placed], start: StepIndex, faults: &mut Vec<Diagnostic>) {
    endless_silence(steps, Step::next_in_silence, faults);
    endless_silence(steps, Step::next_if_taken, faults);
    endless_silence(steps, Step::next_without_number, faults);
    unreachable(steps, start, faults);
}

/// A caller who does nothing must come to a human or to the end, from every step. Each step has
/// one successor in silence, so a walk that meets itself is a loop; each loop is reported once.
fn endless_silence(
    steps: &[Placed],
    next: impl Fn(&Step) -> Option<StepIndex>,
    faults: &mut Vec<Diagnostic>,
) {
    // The walk that came to a step first.
    let mut walk_of: Vec<Option<usize>> = vec![None; steps.len()];
    for walk in 0..steps.len() {
        let mut path: Vec<StepIndex> = Vec::new();
        let mut at = Some(walk);
        while let Some(index) = at {
            let (Some(seen), Some((_, step))) = (walk_of.get_mut(index), steps.get(index)) else {
                break;
            };
            match *seen {
                None => {
                    *seen = Some(walk);
                    path.push(index);
                    at = next(step);
                }
                Some(other) if other == walk => {
                    let round = path.iter().skip_while(|&&passed| passed != index);
                    faults.extend(endless(steps, &round.copied().collect::<Vec<_>>()));
                    break;
                }
                Some(_) => break,
            }
        }
    }
}

/// The fault of going round these steps.
fn endless(steps: &[Placed], round: &[StepIndex]) -> Option<Diagnostic> {
    let placed = || round.iter().filter_map(|&index| steps.get(index));
    let (place, first) = placed().min_by_key(|(place, _)| place.start)?;
    let mut names: Vec<&str> = placed().map(|(_, step)| step.name.as_str()).collect();
    let turn = names.iter().position(|&name| name == first.name)?;
    names.rotate_left(turn);
    names.push(&first.name);
    let way = names.join(" → ");
    let goes_on = |act: &Act| matches!(act, Act::Then(_) | Act::Callback { .. });
    let waits = placed().any(|(_, step)| !goes_on(&step.act));
    let (what, help) = if waits {
        (
            format!("a caller who presses nothing goes round forever: {way}"),
            "let `on-silence` of one of them lead to a step with `enqueue`, `wait-on` or `hang-up`",
        )
    } else {
        (
            format!("these steps go round without waiting for the caller: {way}"),
            "let `then` of one of them lead to a menu, to `enqueue`, `wait-on` or `hang-up`",
        )
    };
    Some(Diagnostic::new(place.clone(), what).with_help(help))
}

fn unreachable(steps: &[Placed], start: StepIndex, faults: &mut Vec<Diagnostic>) {
    let mut reached = vec![false; steps.len()];
    let mut open = vec![start];
    while let Some(index) = open.pop() {
        let (Some(reached), Some((_, step))) = (reached.get_mut(index), steps.get(index)) else {
            continue;
        };
        if !core::mem::replace(reached, true) {
            open.extend(step.next_steps());
        }
    }
    for ((place, step), reached) in steps.iter().zip(reached) {
        if !reached {
            let what = format!("no step leads to `{}`", step.name);
            let help = "remove it, or let a menu's key, `then` or `on-silence` lead to it";
            faults.push(Diagnostic::new(place.clone(), what).with_help(help));
        }
    }
}
