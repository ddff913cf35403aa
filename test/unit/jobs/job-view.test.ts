import { describe, expect, it } from 'vitest'
import { readJobView } from '../../../src/jobs/job-view.js'
import { queryRows } from '../../../src/renewal/query/query.js'
import { readBlocks } from '../../../src/renewal/query/query-blocks.js'
import { selectJobProxies } from '../../../src/renewal/query/query-selection.js'
import { jobWorld } from '../../support/job-world.js'
import { renewalWorld } from '../../support/renewal-world.js'
import { HOUR } from '../../support/time.js'

const ROLE = 'alice:/alice/Role=lcgadmin'

type World = Awaited<ReturnType<typeof jobWorld>>

const viewOf = ({ context, files, config, paths }: World) =>
  readJobView({ ...context, files, config, paths, owners: [1000] })

/** Two jobs of ann's plain proxy, one of her dressed one, and bob's, who is registered as well. */
async function busyWorld() {
  const vobox = renewalWorld()
  await vobox.register('bob')
  const world = await jobWorld(vobox)
  await world.register('1', await world.hand('ann'))
  await world.register('2', await world.hand('ann'))
  await world.register('3', await world.hand('ann', { voms: [ROLE] }))
  return world
}

describe('job proxies for who only looks', () => {
  it('are read from the journal, beside the registrations, with 2 jobs, 1 job and none', async () => {
    const world = await busyWorld()
    const jobs = await viewOf(world)
    const all = [...(await jobs.registry.all()).keys()]
    expect(all.map((name) => jobs.jobsOf(name))).toEqual([undefined, 2, 1])
    expect([...(await world.context.registry.all()).keys()]).toEqual(['bob'])
  })

  it('are shown with what their own files say: time left, attributes, next renewal', async () => {
    const world = await busyWorld()
    const { registrations, ...jobs } = await viewOf(world)
    const judge = {
      anchorsFor: () => world.context.anchors(),
      vomsTrust: () => world.context.vomsTrust(),
      host: 'box.example.org',
      allowLegacyProxies: true,
      maxDelegationDepth: 10,
    }
    const rows = await queryRows({ ...world.context, ...jobs, judge }, registrations)
    expect(rows).toMatchObject([
      { jobs: 2, proxy: { secondsLeft: 10 * HOUR }, attributes: [], next: { action: 'wait' } },
      { jobs: 1, proxy: { secondsLeft: 10 * HOUR }, attributes: [{ vo: 'alice' }] },
    ])
    const sources = { ...jobs, state: jobs.registry.state, now: world.clock.now() }
    const blocks = await readBlocks({ ...sources, judge: async () => judge }, registrations, {
      proxy: true,
      attributes: false,
      myproxy: false,
    })
    expect(
      blocks.map(({ jobs: count, file }) => [count, file.startsWith(world.directory)]),
    ).toEqual([
      [2, true],
      [1, true],
    ])
  })

  it.each([
    [{ dn: 'all', voms: [] }, undefined, 2],
    [{ dn: 'all', voms: [ROLE] }, undefined, 1],
    [{ dn: '/CN=nobody', voms: [] }, undefined, 0],
    [{ voms: [] }, 'login', 2],
    [{ voms: [] }, undefined, 0],
  ] as const)('of %o, login %s, are %d', async (wanted, login, count) => {
    const { registrations } = await viewOf(await busyWorld())
    const [first] = registrations
    const found = selectJobProxies(
      registrations,
      { vo: 'alice', ...wanted },
      login && first?.identityDer,
    )
    expect(found).toHaveLength(count)
    const own = { vo: 'alice', dn: first?.identity, voms: [] }
    expect(selectJobProxies(registrations, own, undefined)).toHaveLength(2)
  })

  it('are none where no job ever came', async () => {
    expect((await viewOf(await jobWorld())).registrations).toEqual([])
  })
})
