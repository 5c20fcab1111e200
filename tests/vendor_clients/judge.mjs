// What Grafana's own grammars say of queries: reads a list of texts, writes for each where it does not parse, or "".
//   judge.mjs FOLDER logql|traceql < queries.json        FOLDER holds node_modules, see install.sh
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

const [folder, language] = process.argv.slice(2);
const { parser } = createRequire(`${folder}/`)(`@grafana/lezer-${language}`);

function verdict(text) {
  let wrong = "";
  parser.parse(text).iterate({
    enter: (node) => {
      if (node.type.isError && !wrong) wrong = `no ${language} from character ${node.from}: ${text.slice(node.from)}`;
    },
  });
  return wrong;
}

process.stdout.write(JSON.stringify(JSON.parse(readFileSync(0, "utf8")).map(verdict)));
