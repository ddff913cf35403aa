import { describe, expect, it } from 'vitest'
import { mostPerOwner } from '../../../../src/myproxy/server/config/most-per-owner.js'

describe('mostPerOwner', () => {
  it.each([
    ['has no limit where the primary alone is named', ['/DC=org/CN=host\\/px.example.org'], 0],
    ['has none where two primaries are named', ['/DC=org/CN=a.example.org', '/DC=org/CN=b'], 0],
    ['leaves the limit where anybody may store', ['*'], undefined],
    [
      'leaves it where one of two patterns is of many',
      ['/DC=org/CN=a', '/DC=org/O=x/*'],
      undefined,
    ],
    ['leaves it where an expression has two names', ['/DC=org/CN=(a|b)'], undefined],
    ['leaves it where nobody may store', [], undefined],
  ] as const)('%s', (_name, acceptedCredentials, most) => {
    expect(mostPerOwner({ acceptedCredentials })).toBe(most)
  })
})
