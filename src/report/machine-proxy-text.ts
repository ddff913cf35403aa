/** What `machine-proxy` made. */

import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showInstant } from '../ports/time-text.js'
import { encodeDocument } from './query-json.js'

export interface MachineProxyFacts {
  file: string
  identity: string
  end: UnixSeconds
  shortenedBySeconds: number
}

export function showMachineProxy({ file, identity, end }: MachineProxyFacts): string {
  return `machine proxy of ${printable(identity)} in ${printable(file)}, ends ${showInstant(end)}\n`
}

export function encodeMachineProxy(made: MachineProxyFacts): string {
  return encodeDocument({ ...made })
}
