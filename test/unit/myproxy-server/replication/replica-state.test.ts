import { describe, expect, it } from 'vitest'
import {
  encodeReplicaState,
  parseReplicaState,
  type ReplicaState,
  replicaStateFile,
} from '../../../../src/myproxy/server/replication/replica-state.js'
import { keyOf } from '../../../../src/myproxy/server/replication/replicated.js'
import { asUnixSeconds } from '../../../../src/ports/clock.js'
import { failureOf } from '../../../support/failure.js'

const server = { host: 'b.example.org', port: 7512 }
const PATH = '/store/.vobox-replica-b.example.org_7512.json'

const state = (): ReplicaState => ({
  completeAt: asUnixSeconds(1000),
  replicas: new Map(
    [
      { username: 'alice', given: 'a'.repeat(64) },
      { username: '/DC=org/CN="x"', name: 'gri/d', inDoubt: true, behindSince: asUnixSeconds(9) },
    ].map((replica) => [keyOf(replica), replica]),
  ),
})

describe('the state of a secondary', () => {
  it('is read as it was written, with 2 credentials or with none', () => {
    for (const one of [state(), { replicas: new Map() }]) {
      expect(parseReplicaState(encodeReplicaState(one, server), PATH)).toEqual(one)
    }
  })

  it('has a hidden file of its own for each host and port, without a colon', () => {
    expect(replicaStateFile(server)).toBe('.vobox-replica-b.example.org_7512.json')
    expect(replicaStateFile({ host: 'FE80::1', port: 1 })).toBe('.vobox-replica-fe80--1_1.json')
  })

  it.each([
    ['nothing', ''],
    ['half a file', encodeReplicaState(state(), server).toString().slice(0, 80)],
    ['another version', '{"version":2,"server":"x:1","replicas":[]}'],
    [
      'a fingerprint that is none',
      '{"version":1,"server":"x:1","replicas":[{"username":"a","given":"z"}]}',
    ],
  ])('is refused when it is %s, with what to do about it', (_name, text) => {
    const error = failureOf(() => parseReplicaState(Buffer.from(text), PATH))
    expect(error).toMatchObject({ code: 'MYPROXY_STORE_MALFORMED', data: { path: PATH } })
    expect(error.hint).toContain(`Remove ${PATH}`)
  })
})
