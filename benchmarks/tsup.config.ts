import { defineConfig } from 'tsup'

export default defineConfig([
  {
    entry: [
      'src/compare.ts',
      'src/readme.ts',
      'src/render.ts',
      'src/run.ts',
      'src/load/generator.ts',
      'src/scenarios/processes/*.ts',
      'src/servers/*.ts',
      '!src/servers/serve*.ts',
    ],
    outDir: 'dist',
    format: ['esm'],
    target: 'node20',
    platform: 'node',
    clean: true,
  },
  {
    // With the source of the server in it, for the target that the server is built for.
    entry: ['micro/suite-process.ts'],
    outDir: 'micro/dist',
    format: ['esm'],
    target: 'es2022',
    platform: 'node',
    clean: true,
  },
])
