// Queues have an id in records and a name among people.
import { NOTHING } from './format'
import { live } from './live'

/** The name of a queue; its id where the name is not known. */
export function queueName(id: string | null): string {
  if (id === null) return NOTHING
  return live.board.value?.queues.find((queue) => queue.queue === id)?.name ?? id
}
