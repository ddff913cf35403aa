import { describe, expect, it } from 'vitest'
import {
  type AccessMode,
  type AccessTrouble,
  accessTroubles,
  lostModes,
} from '../../../src/myproxy/access-change.js'
import type { AccessPolicies } from '../../../src/myproxy/request.js'

const box: AccessPolicies = { renewer: '*/CN=box' }
const anybody: AccessPolicies = { retriever: '*' }
const portal: AccessPolicies = { trustedRetriever: '/CN=portal' }
const unsaid: AccessPolicies = {}

describe('lostModes', () => {
  it.each<[string, AccessPolicies, AccessPolicies, boolean, AccessMode[]]>([
    ['renewal by another machine replaces renewal', box, { renewer: '*' }, false, []],
    ['a pass phrase replaces renewal', box, anybody, true, ['renewal']],
    ['nobody in particular replaces renewal', box, unsaid, false, ['renewal']],
    ['renewal replaces a pass phrase', anybody, box, false, ['retrieval']],
    ['renewal replaces what the server decides', unsaid, box, false, ['defaults']],
    ['the same twice, nobody named', unsaid, unsaid, false, []],
    ['the same twice, with pass phrases', unsaid, unsaid, true, []],
    ['named retrievers replace what the server decides', unsaid, anybody, true, []],
    ['what the server decides replaces named retrievers', anybody, unsaid, true, []],
    ['that without a pass phrase', anybody, unsaid, false, ['retrieval']],
    ['renewal replaces a portal', portal, box, false, ['retrieval-without-pass-phrase']],
    ['a portal beside renewal replaces renewal', box, { ...box, ...portal }, false, []],
    ['renewal replaces both', { ...box, ...anybody }, box, false, ['retrieval']],
    ['an empty policy is none', { renewer: '' }, anybody, true, []],
  ])('%s', (_name, before, after, hasPassPhrase, lost) => {
    expect(lostModes(before, after, hasPassPhrase)).toEqual(lost)
  })
})

describe('accessTroubles', () => {
  it.each<[AccessPolicies, boolean, AccessTrouble[]]>([
    [box, false, []],
    [box, true, ['renewal-with-pass-phrase']],
    [anybody, true, []],
    [anybody, false, ['retrieval-without-pass-phrase']],
    [{ ...box, ...anybody }, false, ['retrieval-without-pass-phrase']],
    [{ ...box, ...anybody }, true, ['renewal-with-pass-phrase']],
    [{ ...box, ...portal }, false, []],
    [unsaid, true, []],
  ])('of %j, pass phrase %j: %j', (policies, hasPassPhrase, troubles) => {
    expect(accessTroubles(policies, hasPassPhrase)).toEqual(troubles)
  })
})
