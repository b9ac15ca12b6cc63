// The shapes that every language fills: a sentence for each event, a definition for each figure.
import type { EventOf, EventType } from '../events'
import type { FigureId } from '../figures'

/** A sentence for an event. `queue` turns a queue's id into the name people use. */
export type EventTexts = {
  [T in EventType]: (event: EventOf<T>, queue: (id: string) => string) => string
}

export type FigureTexts = Record<
  FigureId,
  {
    name: string
    formula: string
    /** What the numerator, or the count, counts. */
    top: string
    /** What the denominator counts; empty for a plain count. */
    bottom: string
    note: string
  }
>
