/** Where RabbitMQ keeps ra and what ra needs: its plugins, each a folder or an archive. */

/** ra itself first. */
const applications = ["ra", "aten", "gen_batch_server", "seshat"];

export interface RaPlugins {
  readonly version: string;
  /** Folders with compiled modules, below the plugins' folder. */
  readonly codePaths: readonly string[];
}

/** From the names in a folder of plugins; undefined where one of them is missing. */
export function findRaPlugins(names: readonly string[]): RaPlugins | undefined {
  const codePaths: string[] = [];
  let version = "";
  for (const application of applications) {
    const pattern = new RegExp(`^(${application}-(\\d[^-]*?))(\\.ez)?$`);
    const found = names.map((name) => pattern.exec(name)).find((match) => match !== null);
    if (found === undefined) return undefined;
    const [plugin, folder = "", itsVersion = "", archive] = found;
    // Erlang reads modules from within an archive.
    codePaths.push(archive === undefined ? `${folder}/ebin` : `${plugin}/${folder}/ebin`);
    if (application === "ra") version = itsVersion;
  }
  return { version, codePaths };
}

/** The newest `rabbitmq_server-…` of the folder's names. */
export function newestServer(names: readonly string[]): string | undefined {
  return names
    .filter((name) => name.startsWith("rabbitmq_server-"))
    .sort((a, b) => a.localeCompare(b, "en", { numeric: true }))
    .at(-1);
}
