"""The command line: what dvc.yaml calls and what people type."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path
from typing import NoReturn, TextIO

from vcfstats.contracts import arithmetic
from vcfstats.contracts.errors import InputError, lines_of
from vcfstats.contracts.faults import FAULTS, KEPT, problem_of

try:
    import typer
except ModuleNotFoundError:  # the statistics alone are installed; main() says so
    typer = None  # type: ignore[assignment]

_INTERRUPTED, _CLOSED = 130, 141  # as the shell says of SIGINT and SIGPIPE

if typer is not None:
    app = typer.Typer(
        no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help=__doc__, rich_markup_mode=None
    )

    @app.command()
    def stage(name: str = typer.Argument(help="a stage of dvc.yaml, such as ingest or evaluate")) -> None:
        """Run one stage of the study in this directory (what dvc.yaml calls)."""
        from vcfstats.pipeline.stages import run_stage

        run_stage(name, Path.cwd())

    @app.command()
    def params() -> None:
        """Check params.yaml against its schema, the protocol and the cohort's table, and list every deviation and choice with its reason."""
        from vcfstats.pipeline.directory import StudyDirectory
        from vcfstats.pipeline.graph import own_stages
        from vcfstats.pipeline.telling import tell_study

        study = StudyDirectory(Path.cwd())
        study.departures()
        own_stages(study.root)  # a dvc.yaml that would delete a cohort is refused here too
        tell_study(study)

    @app.command(name="arithmetic")
    def show_arithmetic() -> None:
        """Print the environment of the portable arithmetic for a shell: eval "$(vcfstats arithmetic)" before a Dask worker or Python of your own."""
        for name in arithmetic.cleared():
            print(f"unset {name}")
        for name, value in arithmetic.settings().items():
            print(f"export {name}={value}")

    @app.command()
    def check(
        folder: Path = typer.Argument(help="the cohort: a folder with cohort.csv, or a BIDS folder"),
        params: Path = typer.Option(
            None,
            help="params.yaml that names the columns; without it they are told by their names and by what stands in them",
        ),
        csv: Path = typer.Option(None, help="file to write the problems to as well"),
        workers: int = typer.Option(2, min=1, help="files read at the same time"),
    ) -> None:
        """Read every image and mask of a cohort and list all problems in one table; exit 2 with errors, 1 with warnings."""
        from vcfstats.pipeline.check import run_check

        run_check(folder, params_file=params, csv=csv, workers=workers)

    @app.command()
    def new(
        directory: Path = typer.Argument(help="directory to make"),
        cohort: Path = typer.Option(help="folder with cohort.csv, images and masks, or a BIDS folder"),
    ) -> None:
        """Make the directory of a new study: params.yaml to fill in, the stages, the documents."""
        from vcfstats.pipeline.new import new_study

        new_study(directory, cohort)

    @app.command()
    def lock(
        reason: str = typer.Option(
            "", help="why a plan that was locked before is locked anew; printed in the supplement"
        ),
    ) -> None:
        """Freeze protocol.yaml and every analytic decision with today's date, before the internal test set is opened."""
        from vcfstats.pipeline.lock import run_lock

        run_lock(Path.cwd(), reason=reason)

    @app.command()
    def looks() -> None:
        """List every look at results of the internal test set; exit 2 where git knows of one that the log lacks."""
        from vcfstats.pipeline.lock import run_looks

        run_looks(Path.cwd())

    @app.command()
    def why(
        key: str = typer.Argument(
            help="a result, such as testing/dlrn/auc or comparison/testing/clinical/dlrn/difference"
        ),
        everything: bool = typer.Option(False, "--all", help="list every decision on the way"),
    ) -> None:
        """Follow a number back to the raw files: record, stage, decisions with reasons, files with hashes, patients."""
        from vcfstats.audit.why import why as chain

        print("\n".join(chain(Path.cwd(), key, everything=everything)))

    @app.command()
    def verify(
        within: float = typer.Option(
            None, min=0, help="tolerance in place of the rule: bit for bit, or 1e-9 elsewhere"
        ),
        rebuild: bool = typer.Option(
            False,
            "--rebuild",
            help="every stage again from raw data, with caches of its own, and each output compared; takes as long as `dvc repro`",
        ),
    ) -> None:
        """Compute every statistic again from the predictions table and compare with the committed results; exit 1 if any differs."""
        from vcfstats.pipeline.rebuild import run_rebuild
        from vcfstats.pipeline.verify import run_verify

        if not (run_rebuild if rebuild else run_verify)(Path.cwd(), within=within):
            raise typer.Exit(1)

    @app.command()
    def render(
        formats: str = typer.Option("html,docx,pdf", help="comma-separated: html, docx, pdf, xml (JATS)"),
        engine: str = typer.Option("auto", help="auto, quarto or offline"),
        finish: bool = typer.Option(
            False, "--finish", help="only finish what a plain `quarto render` left; report/_quarto.yml calls this"
        ),
    ) -> None:
        """Render the documents of the study in this directory from its committed results."""
        from vcfstats.pipeline.directory import StudyDirectory
        from vcfstats.pipeline.graph import stages
        from vcfstats.pipeline.outputs import making, note_made
        from vcfstats.pipeline.render import finish_documents, render_documents

        if finish:
            # Quarto calls it in the folder of the documents.
            study = StudyDirectory(Path.cwd().parent)
            finish_documents(study)
            note_made(study, stages()["render"])
            return
        with making(StudyDirectory(Path.cwd()), stages()["render"]) as study:
            render_documents(study, formats=tuple(formats.split(",")), engine=engine)

    @app.command()
    def nomogram(
        model: Path = typer.Argument(
            Path("results/nomogram.json"), help="a study's results/nomogram.json, or what Nomogram.to_json() wrote"
        ),
        out: Path = typer.Option(Path("nomogram.html"), "--out", "-o", help="HTML file to write"),
    ) -> None:
        """Make the web page of a nomogram: one file that computes points and probability without a network."""
        from vcfstats.contracts.errors import Problem
        from vcfstats.contracts.files import write_text
        from vcfstats.contracts.made import HTML, refuse_other_file
        from vcfstats.contracts.nomogram import read_nomogram
        from vcfstats.reporting.web import nomogram_page

        refuse_other_file(out, begins=HTML)
        content = read_nomogram(model)
        if content.nomogram is None:
            raise InputError(Problem(content.reason, "a model with a nomogram", "see the study's notes", file=model))
        write_text(out, nomogram_page(content))
        print(f"wrote {out}")

    @app.command()
    def predict(
        folder: Path = typer.Argument(
            help="new patients: a folder with cohort.csv, images and masks; no outcome needed"
        ),
        model: Path = typer.Option(help="the model's bundle, such as models/dlrn of a study"),
        params: Path = typer.Option(
            None, help="params.yaml whose section cohort names the columns, if not the model's"
        ),
        out: Path = typer.Option(Path("predictions.csv"), help="file to write; a .json beside it says what made it"),
        cache: Path = typer.Option(Path(".vcfstats-cache"), help="folder of finished patients"),
        workers: int = typer.Option(2, min=1, help="patients at the same time"),
    ) -> None:
        """Score new patients: probability, points of each predictor, class, and a warning wherever the model has to guess."""
        from vcfstats.pipeline.application.predict import run_predict

        run_predict(folder, model, params_file=params, out=out, cache=cache, workers=workers)

    @app.command()
    def figures(
        output: Path = typer.Option(Path("figures"), "--output", "-o", help="folder, replaced as a whole"),
        formats: str = typer.Option("svg,pdf,tiff", help="comma-separated: svg, pdf, tiff, png"),
    ) -> None:
        """Write every figure of the study in this directory as files for a journal: 85 or 180 mm, 300 dpi, fonts embedded."""
        from vcfstats.reporting import open_study
        from vcfstats.reporting.exporting import export_figures

        files = export_figures(open_study(), output, formats=tuple(formats.split(",")))
        print(f"wrote {len(files)} files to {output}")

    @app.command()
    def validate(
        folder: Path = typer.Argument(
            help="new patients with their outcome: a folder with cohort.csv, images and masks"
        ),
        model: Path = typer.Option(help="the model's bundle, such as models/dlrn of a study"),
        params: Path = typer.Option(
            None,
            help="params.yaml with the sections cohort (columns) and evaluation, if not the model's and the usual ones",
        ),
        out: Path = typer.Option(Path("validation"), help="folder of records, tables and documents"),
        cache: Path = typer.Option(Path(".vcfstats-cache"), help="folder of finished patients"),
        workers: int = typer.Option(2, min=1, help="patients at the same time"),
        bootstrap: int = typer.Option(200, help="samples behind the optimism of the recalibrated models"),
        seed: int = typer.Option(1, min=0, help="of these samples"),
        formats: str = typer.Option("html,docx,pdf", help="comma-separated: html, docx, pdf"),
        engine: str = typer.Option("auto", help="auto, quarto or offline"),
    ) -> None:
        """Validate a model on new patients: discrimination, calibration, recalibration, subgroups and case mix, in a report."""
        from vcfstats.pipeline.application.validate import run_validate

        run_validate(
            folder, model, params_file=params, out=out, cache=cache, workers=workers, n_resamples=bootstrap, seed=seed,
            formats=tuple(formats.split(",")), engine=engine,
        )  # fmt: skip

    from vcfstats.audit.commands import app as audit  # after typer is known to be there

    @audit.command("params")
    def audit_params(
        old: str = typer.Argument("HEAD", help="revision to compare from"),
        new: str = typer.Argument(None, help="revision to compare with; without it the working tree"),
        markdown: Path = typer.Option(
            None, help="file for a pull request's comment; - prints it instead of the report"
        ),
        html: Path = typer.Option(None, help="file for the page, which lists every move"),
        most: int = typer.Option(40, min=0, help="moves listed beyond the conclusions that flipped"),
    ) -> None:
        """What a change of params.yaml moved, flipped conclusions first; exit 1 on an undeclared deviation."""
        from vcfstats.pipeline.audit_params import run_audit

        if not run_audit(Path.cwd(), old, new, markdown_file=markdown, html=html, most=most):
            raise typer.Exit(1)

    @audit.command("forks")
    def audit_forks(
        factorial: bool = typer.Option(False, "--factorial", help="every combination, not one departure at a time"),
        testing: bool = typer.Option(
            False,
            "--testing",
            help="also the internal test set; the plan must be locked, and each configuration is a look",
        ),
        finished: bool = typer.Option(
            False, "--finished", help="run none; write down those that an earlier run, killed or not, has finished"
        ),
        only_list: bool = typer.Option(False, "--list", help="name the configurations and run none"),
    ) -> None:
        """Run the alternatives under `forks` in params.yaml and say where the reported choice lies among them."""
        from vcfstats.pipeline.directory import StudyDirectory
        from vcfstats.pipeline.forks.run import list_forks, run_forks, tell_forks

        study = StudyDirectory(Path.cwd())
        if only_list:
            list_forks(study, factorial=factorial)
            return
        forks = run_forks(study, factorial=factorial, testing=testing, finished=finished)
        tell_forks(forks)
        print(f"wrote {study.forks_file}: commit it with results/configurations.jsonl, then `dvc repro` renders it")

    app.add_typer(audit, name="audit", help="What can be checked of a paper's own numbers.")


def main() -> None:
    """Run the command line; bad input and a machine that fails end in a sentence and exit code 2, never in a traceback."""
    if typer is None:
        sys.exit("The command line needs more than the statistics: pip install 'vcfstats[pipeline]'")
    stdout = sys.stdout
    try:
        arithmetic.settle(Path.cwd())  # before anything that computes is loaded
        app()
    except InputError as error:
        _refuse(error)
    except BrokenPipeError:
        _leave(stdout)
    except FAULTS as error:
        _refuse(InputError(problem_of(error)))
    except KeyboardInterrupt:
        _end(_INTERRUPTED, stdout)
    except SystemExit as end:
        _end(end.code, stdout)


def _end(code: int | str | None, stdout: TextIO) -> NoReturn:
    if sys.stdout is not stdout:  # replaced when whoever reads the output has closed it
        _leave(stdout)
    if code == _INTERRUPTED:
        print(f"vcfstats: interrupted; {KEPT}", file=sys.stderr)
    try:
        stdout.flush()
    except BrokenPipeError:
        _leave(stdout)
    except OSError as error:
        _refuse(InputError(problem_of(error)))
    sys.exit(code)


def _refuse(error: InputError) -> NoReturn:
    count = len(error.problems)
    print(f"vcfstats: {count} problem{'s' if count > 1 else ''}", file=sys.stderr)
    for line in lines_of(error.problems):
        print(f"  {line}", file=sys.stderr)
    sys.exit(2)


def _leave(stdout: TextIO) -> NoReturn:
    """Leave quietly, as programs do whose reader has gone: `vcfstats params | head`."""
    with contextlib.suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stdout.fileno())  # what is still buffered goes nowhere at the end
    sys.exit(_CLOSED)


if __name__ == "__main__":
    main()
