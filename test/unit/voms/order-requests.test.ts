import { describe, expect, it } from 'vitest'
import { parseAttributeRequest, showAttributeRequest } from '../../../src/voms/attribute-request.js'
import { parseFqan } from '../../../src/voms/fqan.js'
import { orderRequests } from '../../../src/voms/order-requests.js'

const ordered = (requests: string[], first: string[]) =>
  orderRequests(requests.map(parseAttributeRequest), first.map(parseFqan)).map(showAttributeRequest)

describe('orderRequests', () => {
  it.each([
    [
      'leaves all as it is where nothing is to come first',
      ['alice', 'bob:/bob/x'],
      [],
      ['alice', 'bob:/bob/x'],
    ],
    [
      'puts the second of 3 first',
      ['alice:/alice/a', 'alice:/alice/b', 'alice:/alice/c'],
      ['/alice/b'],
      ['alice:/alice/b', 'alice:/alice/a', 'alice:/alice/c'],
    ],
    [
      'knows a request by what it means, not by how it is written',
      ['alice:/alice', 'alice:/alice/Role=lcgadmin'],
      ['/alice/Role=lcgadmin/Capability=NULL'],
      ['alice:/alice/Role=lcgadmin', 'alice:/alice'],
    ],
    [
      'asks for a group besides, where the whole VO is asked for',
      ['alice'],
      ['/alice/team', '/alice/other'],
      ['alice:/alice/team', 'alice:/alice/other', 'alice'],
    ],
    [
      'asks under the alias that the VO was named by',
      ['alice-test:/alice/a'],
      ['/alice/b'],
      ['alice-test:/alice/b', 'alice-test:/alice/a'],
    ],
    ['does nothing for a VO that nobody asks', ['alice'], ['/bob/team'], ['alice']],
  ])('%s', (_name, requests, first, expected) => {
    expect(ordered(requests, first)).toEqual(expected)
  })
})
