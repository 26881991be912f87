"""Tenth stage: predictions before a run, and answers to them computed from theory and from the run itself."""

from realtime_kit.exercises.answer import Answer, check
from realtime_kit.exercises.catalogue import QUESTIONS
from realtime_kit.exercises.prediction import Prediction, predict
from realtime_kit.exercises.question import State

__all__ = ["QUESTIONS", "Answer", "Prediction", "State", "check", "predict"]
