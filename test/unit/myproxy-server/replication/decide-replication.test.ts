import { describe, expect, it } from 'vitest'
import {
  decideReplication,
  type Replica,
} from '../../../../src/myproxy/server/replication/decide-replication.js'
import type { Present } from '../../../../src/myproxy/server/replication/replicated.js'

const [NOW, EARLIER] = ['a', 'b'].map((letter) => letter.repeat(64)) as [string, string]
const name = { username: 'alice' }
const there: Present = { ...name, fingerprint: NOW }
const locked: Present = { ...there, withheld: 'locked' }
const expired: Present = { ...there, withheld: 'expired' }
const hashed: Present = { ...there, withheld: 'guarded-by-hash' }
const same: Replica = { ...name, given: NOW }
const older: Replica = { ...name, given: EARLIER }
const doubtful: Replica = { ...name, given: NOW, inDoubt: true }
const tried: Replica = { ...name, inDoubt: true }
/** Refused for a reason of its own until now. */
const refused: Replica = { ...name }

describe('decideReplication', () => {
  it.each([
    ['stores what was never offered', there, undefined, { action: 'store', reason: 'new' }],
    ['stores again what was refused', there, refused, { action: 'store', reason: 'new' }],
    ['stores what is not what was given', there, older, { action: 'store', reason: 'changed' }],
    ['stores what may not have arrived', there, tried, { action: 'store', reason: 'in-doubt' }],
    [
      'stores what was given, when something else may have arrived since',
      there,
      doubtful,
      { action: 'store', reason: 'in-doubt' },
    ],
    ['keeps what was given', there, same, { action: 'keep', reason: 'same' }],
    ['removes what was given and is gone', undefined, older, { action: 'destroy', reason: 'gone' }],
    [
      'removes what is gone and may have arrived',
      undefined,
      tried,
      { action: 'destroy', reason: 'gone' },
    ],
    [
      'removes nothing that was never taken',
      undefined,
      refused,
      { action: 'keep', reason: 'not-there' },
    ],
    [
      'removes nothing that it does not know',
      undefined,
      undefined,
      { action: 'keep', reason: 'not-there' },
    ],
    ['takes back what was locked since', locked, same, { action: 'destroy', reason: 'locked' }],
    ['offers nothing that is locked', locked, undefined, { action: 'keep', reason: 'locked' }],
    ['leaves what expired where it lies', expired, same, { action: 'keep', reason: 'expired' }],
    [
      'takes back what was replaced by one that has expired',
      expired,
      older,
      { action: 'destroy', reason: 'expired' },
    ],
    ['offers nothing that has expired', expired, refused, { action: 'keep', reason: 'expired' }],
    [
      'takes back what a hash guards now, for STORE would take that guard off',
      hashed,
      older,
      { action: 'destroy', reason: 'guarded-by-hash' },
    ],
  ] as const)('%s', (_name, present, replica, step) => {
    expect(decideReplication(present, replica)).toEqual(step)
  })
})
