/**
 * What is long by nature, because it starts machines, packages, Java, or a service after each of
 * many kills: `npm run test:long` and `.ci/run` run it, `npm test` leaves it out and says so.
 */
export const LONG = [
  'test/fault/*-kill.test.ts',
  'test/fault/*-processes.test.ts',
  'test/interop/*-beside-others.test.ts',
  'test/interop/*-java.test.ts',
  'test/interop/booted-*.test.ts',
  'test/interop/package*.test.ts',
  'test/interop/setup.test.ts',
  'test/interop/whole-line*.test.ts',
  'test/unit/myproxy-server/**/*-cut-short.test.ts',
]
