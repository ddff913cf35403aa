import { describe, expect, it } from 'vitest'
import { JobBook } from '../../../src/jobs/job-book.js'
import { worthKey } from '../../../src/jobs/job-proxy.js'
import { endJob, firstJob, jobFile, jobProxy, moreJob } from '../../support/jobs.js'

describe('what proxies are worth', () => {
  const plain = jobProxy(1)

  it('is the same for another file, another time, and the server in other letters', () => {
    const other = jobProxy(2, {
      ...plain,
      fileName: jobFile(2),
      server: 'PX.example.org:7512',
    })
    expect(worthKey(other)).toBe(worthKey(plain))
  })

  it.each([
    ['identity', { identityDer: 'b3RoZXI=' }],
    ['server', { server: 'px2.example.org:7512' }],
    ['port', { server: 'px.example.org:7513' }],
    ['attributes', { voms: ['dteam'] }],
    ['limited', { limited: true }],
    ['kind', { kind: 'legacy' as const }],
  ])('differs by %s', (_what, differs) => {
    expect(worthKey({ ...plain, ...differs })).not.toBe(worthKey(plain))
  })

  it('differs by a role, by the order of roles, and by how names are put together', () => {
    const keys = [
      ['dteam:/dteam/Role=a', 'dteam:/dteam/Role=b'],
      ['dteam:/dteam/Role=b', 'dteam:/dteam/Role=a'],
      ['dteam:/dteam/Role=a'],
      ['dteam:/dteam/Role=a:dteam:/dteam/Role=b'],
    ].map((voms) => worthKey({ ...plain, voms }))
    expect(new Set(keys).size).toBe(4)
  })
})

describe('the book', () => {
  it('finds a proxy by file, by job and by worth', () => {
    const book = new JobBook()
    book.apply(firstJob('a', 1))
    book.apply(moreJob('b', 1))
    const shared = book.get(jobFile(1))
    expect([...(shared?.jobs.keys() ?? [])]).toEqual(['a', 'b'])
    expect(book.ofJob('b')).toBe(shared)
    expect(book.worth(worthKey(jobProxy(1)))).toBe(shared)
  })

  it('counts a job that is registered twice: it ends with the second end', () => {
    const book = new JobBook()
    book.apply(firstJob('a', 1))
    book.apply(moreJob('a', 1))
    book.apply(endJob('a', 1))
    expect(book.ofJob('a')?.proxy.fileName).toBe(jobFile(1))
    book.apply(endJob('a', 1))
    expect(book.ofJob('a')).toBeUndefined()
    expect(book.size).toBe(0)
    expect(book.shares).toBe(0)
  })

  it('answers the oldest of two proxies of one job, then the other', () => {
    const book = new JobBook()
    book.apply(firstJob('a', 1))
    book.apply(firstJob('a', 2))
    expect(book.ofJob('a')?.proxy.fileName).toBe(jobFile(1))
    book.apply(endJob('a', 1))
    expect(book.ofJob('a')?.proxy.fileName).toBe(jobFile(2))
  })

  it('still finds the second of two that are worth the same when the first has ended', () => {
    const book = new JobBook()
    const twin = { ...jobProxy(1), fileName: jobFile(2) }
    book.apply(firstJob('a', 1))
    book.apply({ op: 'register', job: 'b', file: jobFile(2), proxy: twin })
    book.apply(endJob('a', 1))
    expect(book.worth(worthKey(twin))?.proxy).toBe(twin)
  })

  it('does nothing for a job of a proxy that is not there', () => {
    const book = new JobBook()
    book.apply(moreJob('a', 1))
    book.apply(endJob('a', 1))
    book.apply({ op: 'drop', file: jobFile(1) })
    expect([book.size, book.shares]).toEqual([0, 0])
  })

  it('weighs each further registration of one job 32 bytes, until it is ended or taken back', () => {
    const book = new JobBook()
    book.apply(firstJob('a', 1))
    const once = book.bytes
    expect(book.heldBytes).toBe(once)
    const undos = [
      book.apply({ op: 'register', job: 'a', file: jobFile(1), count: 10 }),
      book.apply(moreJob('a', 1)),
      book.apply(endJob('a', 1)),
      book.apply({ op: 'drop', file: jobFile(1) }),
    ]
    expect([book.heldBytes, book.registrations]).toEqual([0, 0])
    const after = undos.toReversed().map((undo) => {
      undo()
      expect(book.bytes).toBe(once)
      return [book.heldBytes - once, book.registrations, book.shares]
    })
    expect(after).toEqual([
      [320, 11, 1],
      [352, 12, 1],
      [320, 11, 1],
      [0, 1, 1],
    ])
    book.apply(endJob('a', 1))
    expect([book.bytes, book.heldBytes]).toEqual([0, 0])
  })
})
