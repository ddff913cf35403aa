import { expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import {
  encodeImported,
  type Imported,
  type ImportedProxy,
  importHasFailed,
  showImported,
} from '../../../src/report/job-import-text.js'

const error = new VoboxError('PROXY_EXPIRED', 'it has expired')
const proxy = (differs: Partial<ImportedProxy> = {}): ImportedProxy => ({
  ...{ path: '/spool/0.0', server: 'px', outcome: 'imported', proxyFile: '/vo/job-0', jobs: 1 },
  ...{ refused: [], ...differs },
})
const done = (differs: Partial<Imported> = {}): Imported => ({
  ...{ directory: '/spool', dryRun: false, proxies: [], problems: [], strays: [] },
  ...differs,
})

it('tells each proxy in a line, with the reason of those refused told once for 3 jobs', () => {
  const refused = ['a', 'b', 'c'].map((jobId) => ({ jobId, error }))
  const text = showImported(
    done({
      proxies: [
        proxy({ jobs: 2 }),
        proxy({ outcome: 'possible', proxyFile: null }),
        proxy({ outcome: 'before', jobs: 0 }),
        proxy({ outcome: 'refused', proxyFile: null, jobs: 0, refused }),
      ],
      problems: [{ path: '/spool/1.data', reason: 'line 1 is\u0007 damaged' }],
      strays: ['/spool/2.0', '/spool/3.0'],
    }),
  )
  expect(text.split('\n')).toEqual([
    'imported 2 jobs of /spool/0.0, now a link to /vo/job-0',
    'would import 1 job of /spool/0.0, renewed from px',
    'imported before: /spool/0.0',
    'refused /spool/0.0, left as it is',
    '  a and 2 more: it has expired',
    'not readable: /spool/1.data: line 1 is  damaged',
    '2 files that no job reads, left as they are; --json names them',
    '',
  ])
})

it('says of a spool without jobs that it has none', () => {
  expect(showImported(done())).toBe('no job is left in /spool\n')
})

it.each<[string, Partial<Imported>, boolean]>([
  ['nothing was there: success', {}, false],
  ['all was imported: success', { proxies: [proxy()] }, false],
  ['keys are left that nobody reads: success', { strays: ['/spool/2.0'] }, false],
  ['a job was refused: failure', { proxies: [proxy({ refused: [{ jobId: 'a', error }] })] }, true],
  ['a line is damaged: failure', { problems: [{ path: '/spool/1.data', reason: 'no' }] }, true],
])('says by its exit status whether %s', (_name, differs, failed) => {
  expect(importHasFailed(done(differs))).toBe(failed)
})

it('has in JSON the code of each refusal', () => {
  const refused = [{ jobId: 'a', error }]
  const { proxies } = JSON.parse(encodeImported('alice', done({ proxies: [proxy({ refused })] })))
  expect(proxies[0].refused).toEqual([
    { jobId: 'a', code: 'PROXY_EXPIRED', message: 'it has expired' },
  ])
})
