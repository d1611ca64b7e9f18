#!/usr/bin/env python3
"""The files that people deploy agree with the program and with one another."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import textwrap
import tomllib
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
SKERRY = os.environ["SKERRY"]
FLY = {"FLY_REGION": "ams", "PRIMARY_REGION": "ams", "FLY_CONSUL_URL": "https://:token@consul.example/prefix/",
       "PORT": "3000", "DATABASE": "app.db", "MIGRATE": "node scripts/migrate.mjs", "START": "node server.js",
       "CLUSTER": "harbour-log", "INTERNAL_DOMAIN": ".vm.harbour-log.internal", "HOSTNAME": "3d8d9014b32d78"}


def check(path, environment):
    return subprocess.run([SKERRY, "config", "check", "-config", str(path)], env=dict(os.environ, **environment),
                          capture_output=True, text=True, timeout=60)


def keys(text, commented):
    """Dotted path -> (value, is commented out, has a paragraph) of a configuration file that nests by two spaces."""
    found, stack, paragraph = {}, [], False
    for line in text.splitlines():
        match = re.match(r"^( *)(# )?([a-z][a-z-]*):(?: (.*))?$", line)
        if match and (commented or not match[2]):
            indent, comment, name, value = match.groups()
            del stack[len(indent) // 2:]
            stack.append(name)
            found[".".join(stack)] = ((value or "").removesuffix("  # default"), bool(comment), paragraph)
            paragraph = False
        elif re.match(r"^ *# ", line):
            paragraph = True
        elif not line.strip():
            paragraph = False
    return found


def knows_consul():
    return "not supported by this build" not in check(ROOT / "deploy/skerry.yml", FLY).stderr


@unittest.skipUnless(knows_consul(), "this build has no lease in Consul")
class Template(unittest.TestCase):
    def test_the_configuration_is_valid_as_on_fly(self):
        result = check(ROOT / "deploy/skerry.yml", FLY)
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.assertIn("candidate: true", result.stdout)
        self.assertIn("http://3d8d9014b32d78.vm.harbour-log.internal:20202", result.stdout)
        result = check(ROOT / "deploy/skerry.yml", FLY | {"FLY_REGION": "fra"})
        self.assertIn("candidate: false", result.stdout)

    def test_the_configuration_explains_every_key_and_no_other(self):
        text = (ROOT / "deploy/skerry.yml").read_text()
        ours = keys(text, commented=True)
        printed = keys(check(ROOT / "deploy/skerry.yml", FLY).stdout, commented=False)
        sections = {path for path, (value, _, _) in printed.items() if value == "" and path != "exec"}
        self.assertEqual(sorted(set(ours) - sections), sorted(set(printed) - sections))
        for path, (_, _, paragraph) in ours.items():
            if path not in sections and not path.startswith("exec."):
                self.assertTrue(paragraph, f"{path} has no paragraph in deploy/skerry.yml")

    def test_keys_that_are_commented_out_show_their_default(self):
        ours = keys((ROOT / "deploy/skerry.yml").read_text(), commented=True)
        printed = keys(check(ROOT / "deploy/skerry.yml", FLY).stdout, commented=False)
        for path, (value, commented, _) in ours.items():
            if commented and path != "http.snapshot-timeout":  # printed as what it comes to
                self.assertEqual(value.strip('"'), printed[path][0].strip('"'), path)

    def test_fly_toml_and_the_configuration_name_the_same_ports_and_folders(self):
        fly = tomllib.loads((ROOT / "fly.toml").read_text())
        result = check(ROOT / "deploy/skerry.yml", FLY | fly["env"])
        self.assertEqual(result.returncode, 0, result.stderr)
        node = {path: value.strip('"') for path, (value, _, _) in keys(result.stdout, commented=False).items()}
        self.assertEqual(f":{fly['http_service']['internal_port']}", node["proxy.addr"])
        self.assertEqual(f":{fly['metrics']['port']}", node["http.addr"])
        self.assertEqual(fly["mounts"]["destination"], node["data.dir"])
        self.assertEqual(f"localhost:{fly['env']['PORT']}", node["proxy.target"])
        self.assertIn(fly["env"]["INTERNAL_DOMAIN"], node["lease.advertise-url"])
        self.assertEqual(fly["http_service"]["auto_stop_machines"], "off")
        self.assertTrue((ROOT / fly["build"]["dockerfile"]).exists())
        self.assertTrue((ROOT / fly["build"]["args"]["APP"] / "package.json").exists())


class OtherFiles(unittest.TestCase):
    def test_every_argument_of_the_image_that_is_given_is_one_that_it_takes(self):
        dockerfile = (ROOT / "deploy/Dockerfile").read_text()
        taken = set(re.findall(r"^ARG ([A-Z]+)", dockerfile, re.M))
        fly = tomllib.loads((ROOT / "fly.toml").read_text())
        self.assertLessEqual(set(fly["build"]["args"]), taken)
        compose = (ROOT / "deploy/compose.yml").read_text()
        arguments = re.search(r"    args:\n((?:      .*\n)+)", compose)[1]
        self.assertLessEqual(set(re.findall(r"^      ([A-Z]+):", arguments, re.M)), taken)
        for source in re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.M):
            if "$" not in source:
                self.assertTrue((ROOT / source).exists(), f"deploy/Dockerfile copies {source}, which is not there")

    def test_the_configuration_within_kubernetes_yml_is_valid(self):
        text = (ROOT / "deploy/kubernetes.yml").read_text()
        block = re.search(r"  skerry\.yml: \|\n((?:    .*\n|\n)+)", text)[1]
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(textwrap.dedent(block))
            file.flush()
            for host, candidate in (("app-0", "true"), ("app-1", "false")):
                result = check(file.name, {"HOSTNAME": host})
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertIn(f"candidate: {candidate}", result.stdout)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("patchelf"), "needs root and patchelf")
    def test_the_bundle_runs_where_nothing_else_is(self):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run([ROOT / "deploy/bundle", SKERRY, folder], check=True, timeout=120)
            for name in ("skerry", "litefs"):
                result = subprocess.run(["chroot", folder, f"/usr/local/bin/{name}", "version"],
                                        capture_output=True, text=True, timeout=60)
                self.assertEqual(result.returncode, 0, result.stderr)
                self.assertRegex(result.stdout, r"v\d")
            size = sum(path.stat().st_size for path in pathlib.Path(folder).rglob("*") if path.is_file())
            self.assertLess(size, 60_000_000)


if __name__ == "__main__":
    unittest.main()
