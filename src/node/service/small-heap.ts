/**
 * Keeps the service's memory small. V8 lets the young generation grow to three times 16 MB during
 * the first burst of work and never gives that back; for a service that idles all day that is a third
 * of all its memory, and bursts gain nothing that can be measured beside the cost of an RSA key.
 */
import { setFlagsFromString } from 'node:v8'

/** Call it before there is work. */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1')
}
