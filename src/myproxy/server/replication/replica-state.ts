/**
 * What one secondary was given: a file beside the credentials, `.vobox-replica-HOST_PORT.json`, 0600.
 *
 * It lies in the repository on purpose. Where that is not mounted, what was given is not known either,
 * and an empty directory is not taken for a thousand removals. Names and fingerprints are in it and
 * nothing secret. Lost, it costs one whole sending, and what was removed from the primary since then
 * stays on the secondary.
 */
import * as v from 'valibot'
import { VoboxError } from '../../../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../../../ports/clock.js'
import { type MyProxyServer, showServer } from '../../server-list.js'
import type { Replica } from './decide-replication.js'
import { keyOf } from './replicated.js'

export interface ReplicaState {
  /** By {@link keyOf}. */
  replicas: Map<string, Replica>
  /** When a run last found or left nothing to be done; absent: never. */
  completeAt?: UnixSeconds
}

const VERSION = 1
const instant = v.pipe(v.number(), v.integer(), v.minValue(0), v.transform(asUnixSeconds))
const text = v.pipe(v.string(), v.minLength(1))

const schema = v.object({
  version: v.literal(VERSION),
  server: text,
  completeAt: v.exactOptional(instant),
  replicas: v.array(
    v.object({
      username: text,
      name: v.exactOptional(text),
      given: v.exactOptional(v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/))),
      inDoubt: v.exactOptional(v.boolean()),
      behindSince: v.exactOptional(instant),
    }),
  ),
})

export function emptyReplicaState(): ReplicaState {
  return { replicas: new Map() }
}

/** Hidden, as the server's own files are, and never taken for a credential's. */
export function replicaStateFile({ host, port }: MyProxyServer): string {
  return `.vobox-replica-${host.toLowerCase().replaceAll(':', '-')}_${port}.json`
}

export function encodeReplicaState(state: ReplicaState, server: MyProxyServer): Buffer {
  const { completeAt } = state
  const replicas = [...state.replicas.values()].map((replica) => JSON.stringify(replica))
  const head = JSON.stringify({ version: VERSION, server: showServer(server), completeAt })
  // A line for each: for people who look, and for those who compare two of them.
  return Buffer.from(`${head.slice(0, -1)},"replicas":[\n${replicas.join(',\n')}\n]}\n`, 'utf8')
}

/**
 * @param path for messages only.
 * @throws `MYPROXY_STORE_MALFORMED`: a run must not guess what was given.
 */
export function parseReplicaState(bytes: Uint8Array, path: string): ReplicaState {
  const parsed = v.safeParse(schema, jsonOf(bytes))
  if (!parsed.success) {
    const problem = parsed.issues[0].message
    throw new VoboxError('MYPROXY_STORE_MALFORMED', `${path} is not what a run left: ${problem}`, {
      data: { path, problem },
      hint: `Remove ${path}: everything is sent again, and what was removed meanwhile stays there`,
    })
  }
  const { replicas, completeAt } = parsed.output
  return {
    replicas: new Map(replicas.map((replica) => [keyOf(replica), replica])),
    ...(completeAt !== undefined && { completeAt }),
  }
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    return undefined
  }
}
